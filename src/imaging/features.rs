//! Names of measures, and the measure of a name.

use super::frame::Channel;
use super::regionprops::{ChannelProperties, ObjectProperties};

/// A measure of an object in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// In which channel.
    pub channel: Channel,
    /// Which measure.
    pub measure: Measure,
}

/// A measure in one channel; see [`ChannelProperties`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Mean intensity.
    Mean,
    /// Maximal intensity.
    Max,
    /// Median intensity.
    Median,
    /// Standard deviation of intensities.
    Sd,
    /// Sum of intensities.
    Mass,
    /// Area in pixels.
    AreaPx,
    /// Area in square micrometres.
    SizeUm2,
    /// Perimeter in pixels.
    PerimeterPx,
    /// Eccentricity.
    Eccentricity,
    /// Perimeter squared over 4 pi area.
    P2a,
    /// Share of DAPI pixels that the channel has too.
    OverlapDapi,
    /// Mean intensity inside the union outline.
    UnionMean,
}

impl Measure {
    /// All measures in the order of the columns of a table.
    pub const ALL: [Self; 12] = [
        Self::Mean,
        Self::Max,
        Self::Median,
        Self::Sd,
        Self::Mass,
        Self::AreaPx,
        Self::SizeUm2,
        Self::PerimeterPx,
        Self::Eccentricity,
        Self::P2a,
        Self::OverlapDapi,
        Self::UnionMean,
    ];

    /// What follows the channel in a column's name: `mean` in `ck_mean`.
    pub fn column_name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Median => "median",
            Self::Sd => "sd",
            Self::Mass => "mass",
            Self::AreaPx => "area_px",
            Self::SizeUm2 => "size_um2",
            Self::PerimeterPx => "perimeter_px",
            Self::Eccentricity => "eccentricity",
            Self::P2a => "p2a",
            Self::OverlapDapi => "overlap_dapi",
            Self::UnionMean => "union_mean",
        }
    }

    /// The name in ACCEPT's feature table, after the channel's number.
    fn accept_name(self) -> Option<&'static str> {
        match self {
            Self::Mean => Some("MeanIntensity"),
            Self::Max => Some("MaxIntensity"),
            Self::Median => Some("MedianIntensity"),
            Self::Sd => Some("StandardDeviation"),
            Self::Mass => Some("Mass"),
            Self::AreaPx => Some("Area"),
            Self::SizeUm2 => Some("Size"),
            Self::PerimeterPx => Some("Perimeter"),
            Self::Eccentricity => Some("Eccentricity"),
            Self::P2a => Some("P2A"),
            Self::OverlapDapi | Self::UnionMean => None,
        }
    }

    /// The measure's value; `None` where it is not available.
    pub fn of(self, properties: &ChannelProperties) -> Option<f64> {
        match self {
            Self::Mean => properties.mean,
            Self::Max => properties.max,
            Self::Median => properties.median,
            Self::Sd => properties.sd,
            Self::Mass => properties.mass,
            Self::AreaPx => Some(properties.area_px as f64),
            Self::SizeUm2 => properties.size_um2,
            Self::PerimeterPx => Some(properties.perimeter_px),
            Self::Eccentricity => Some(properties.eccentricity),
            Self::P2a => properties.p2a,
            Self::OverlapDapi => properties.overlap_dapi,
            Self::UnionMean => properties.union_mean,
        }
    }
}

impl Feature {
    /// The feature of a name, if one of the channels has it: `ck_mean` as in `cells.csv`, or
    /// `ch_3_MeanIntensity` and `ch_2_Overlay_ch_3` as in ACCEPT's tables, where 3 is the place of
    /// the channel in `channels`, counted from 1.
    pub fn named(name: &str, channels: &[Channel]) -> Option<Self> {
        let of = |channel: &Channel, measure| Self { channel: channel.clone(), measure };
        channels.iter().zip(1..).find_map(|(channel, number)| {
            if name == format!("ch_2_Overlay_ch_{number}") {
                return Some(of(channel, Measure::OverlapDapi));
            }
            let (column, accept) = (channel.column_name(), format!("ch_{number}"));
            let after = |prefix: &str| name.strip_prefix(prefix)?.strip_prefix('_');
            Measure::ALL.into_iter().find_map(|measure| {
                let found = after(&column) == Some(measure.column_name())
                    || (after(&accept).is_some() && after(&accept) == measure.accept_name());
                found.then(|| of(channel, measure))
            })
        })
    }
}

/// The value of a feature of an object; `None` where it is not available or there is no such
/// channel.
pub fn feature_value(
    feature: &Feature,
    object: &ObjectProperties,
    channels: &[Channel],
) -> Option<f64> {
    let index = channels.iter().position(|channel| *channel == feature.channel)?;
    feature.measure.of(object.channels.get(index)?)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::imaging::PixelBox;

    /// An object with nothing in any channel but the given features, named as in `cells.csv`.
    pub(crate) fn object_with(channels: &[Channel], values: &[(&str, f64)]) -> ObjectProperties {
        let empty = ChannelProperties {
            mean: Some(0.0),
            max: Some(0.0),
            median: Some(0.0),
            mass: Some(0.0),
            sd: None,
            area_px: 0,
            size_um2: None,
            perimeter_px: 0.0,
            eccentricity: 0.0,
            p2a: None,
            overlap_dapi: None,
            union_mean: Some(0.0),
        };
        let mut object = ObjectProperties {
            label: 1,
            row_centroid_px: 0.0,
            col_centroid_px: 0.0,
            bbox: PixelBox { row0: 0, col0: 0, row1: 1, col1: 1 },
            thumbnail_box: None,
            union_area_px: 1,
            edge_touching: false,
            border_distance_px: 9,
            her2_noise: None,
            her2_in_ck_mean: None,
            saturated_fraction: None,
            channels: vec![empty; channels.len()],
        };
        for &(name, value) in values {
            let feature = Feature::named(name, channels).expect("a feature of these channels");
            let index = channels.iter().position(|c| *c == feature.channel).expect("found by it");
            let properties = &mut object.channels[index];
            match feature.measure {
                Measure::Mean => properties.mean = Some(value),
                Measure::Max => properties.max = Some(value),
                Measure::Sd => properties.sd = Some(value),
                Measure::AreaPx => properties.area_px = value as u64,
                Measure::P2a => properties.p2a = Some(value),
                other => panic!("{other:?} is not settable in tests"),
            }
        }
        object
    }

    #[test]
    fn features_have_two_names() {
        let channels = [Channel::Cd45, Channel::Dapi, Channel::Cytokeratin];
        let ours = Feature::named("ck_mean", &channels);
        assert_eq!(ours, Feature::named("ch_3_MeanIntensity", &channels), "the same feature");
        let overlap = Feature::named("ch_2_Overlay_ch_1", &channels).expect("CD45 in DAPI");
        assert_eq!((overlap.channel, overlap.measure), (Channel::Cd45, Measure::OverlapDapi), "");
        assert_eq!(Feature::named("ck", &channels), None, "a channel alone");
        assert_eq!(Feature::named("ch_4_MeanIntensity", &channels), None, "three channels");
        assert_eq!(Feature::named("ch_3_", &channels), None, "no measure");
    }

    #[test]
    fn the_value_is_that_of_the_channel() {
        let channels = [Channel::Cd45, Channel::Dapi];
        let object = object_with(&channels, &[("dapi_max", 7.0)]);
        let of = |name| {
            let feature = Feature::named(name, &channels).expect("exists");
            feature_value(&feature, &object, &channels)
        };
        assert_eq!(of("dapi_max"), Some(7.0), "DAPI");
        assert_eq!(of("cd45_max"), Some(0.0), "CD45");
        assert_eq!(of("dapi_sd"), None, "not available");
    }
}
