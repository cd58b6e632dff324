//! Pure pixel maths on frames of a cartridge: no file, clock, thread pool or device.

mod bit_mask;
mod contour;
mod contour_input;
mod distance_transform;
mod edge_mask;
mod exact_sum;
mod features;
mod frame;
mod frame_border;
mod frame_grid;
mod gates;
mod grey_opening;
mod her2;
mod her2_margin;
mod histogram;
mod label;
mod levels;
mod median;
mod morphology;
mod outline;
mod patient_rules;
mod picture;
mod pixel_box;
mod pixel_noise;
mod prior_match;
mod reduce;
mod region_sums;
mod regionprops;
mod rescale;
mod segment_frame;
mod segment_thumbnail;
mod simulator;
mod simulator_camera;
mod simulator_cell;
mod simulator_chamber;
mod simulator_population;
mod simulator_reading;
mod stored_plane;
mod thicken;
mod threshold;
mod watershed;

#[cfg(test)]
mod drawing;

pub(crate) use bit_mask::gathered_eight;
pub use contour::{Contour, ContourFn, ContourSettings};
pub use contour_input::{ClassSums, ContourInput, IntensityScaling};
pub use distance_transform::squared_distances;
pub use edge_mask::{EdgeMask, Overview};
pub use features::{Feature, Measure, feature_value};
pub use frame::{Channel, Frame, LabelImage, Mask, Plane};
pub use frame_border::{BorderContact, FrameSide, border_contacts, pieces_across};
pub use frame_grid::{FrameGrid, ScanOrder};
pub use gates::{Bound, EventClass, Gate, GateSet};
pub use her2::{
    Her2Class, Her2Cutoffs, Her2Heterogeneity, Share, control_cutoffs, h_score, leukocyte_cutoff,
};
pub use her2_margin::{MarginMissing, her2_class_distance};
pub use histogram::Histogram;
pub use label::{Connectivity, label_components, label_union};
pub use levels::{median_of_counts, range_of_counts};
pub use morphology::{MIN_AREA_PX, clear_border, open_area, tidy, without_perimeter};
pub use patient_rules::{CellStatus, PatientRule, RuleOutcome};
pub use picture::{DisplayRange, Picture};
pub use pixel_box::PixelBox;
pub use pixel_noise::PixelNoise;
pub use prior_match::{PriorLocation, match_prior, prior_box};
pub use reduce::reduce_eighth;
pub use region_sums::{RegionSums, region_sums};
pub use regionprops::{
    Background, ChannelProperties, FrameSums, MeasureSettings, ObjectProperties, background,
    finish_objects, measure_objects, thumbnail_box,
};
pub use rescale::{
    IntensityScale, RawPage, Samples, StretchLimits, camera_values, rescale, saturation_level,
};
pub use segment_frame::{
    ChannelContour, ChannelResult, CropSegmentation, FrameInput, FrameSegmentation, FrameSettings,
    finish_frame, outline_channel, segment_crop, segment_frame,
};
pub use segment_thumbnail::segment_thumbnail;
pub use simulator::{CellTruth, Illumination, SimulatedFrame, Simulator};
pub use simulator_camera::{Camera, StorageDepth};
pub use simulator_cell::{CellKind, SIMULATED_CHANNELS, SimulatedCell};
pub use simulator_chamber::Chamber;
pub use simulator_population::{Population, draw_cells, gap_px};
pub use stored_plane::StoredPlane;
pub use thicken::thicken;
pub use threshold::{initial_mask, otsu_threshold, triangle_threshold};
pub use watershed::{MIN_NECK_DEPTH_PX, split_touching};
