//! A whole frame over the device against the imaging functions one after the other.

use crate::images::{assert_same, mask};
use crate::{Noise, gpu};
use herscope::compute::{Backend, CpuEngine};
use herscope::imaging::{
    Channel, ContourSettings, Frame, FrameInput, FrameSegmentation, FrameSettings, IntensityScale,
    Plane, RawPage, Samples, StoredPlane, StretchLimits, saturation_level,
};
use herscope::units::MicronsPerPixel;

/// A cell: row, column, radius, and its brightness in each channel, 0..1.
type Cell = (f64, f64, f64, [f64; 4]);

const CELLS: [Cell; 7] = [
    (30.0, 40.0, 9.0, [0.0, 0.8, 0.7, 0.5]),
    (70.0, 90.0, 7.0, [0.9, 0.6, 0.0, 0.1]),
    // these two touch
    (100.0, 30.0, 8.0, [0.0, 0.7, 0.9, 0.0]),
    (102.0, 43.0, 7.5, [0.0, 0.9, 0.6, 0.4]),
    // at the border
    (2.0, 110.0, 8.0, [0.3, 0.8, 0.8, 0.3]),
    (60.0, 12.0, 2.0, [0.9, 0.9, 0.9, 0.9]),
    (110.0, 100.0, 6.0, [0.0, 0.0, 0.0, 1.0]),
];

/// Pages of 8 or 16 bits in the order of the channels.
fn pages(rows: usize, cols: usize, cells: &[Cell], full_scale: f64, high: u16) -> Vec<RawPage> {
    let page = |channel: usize| {
        let mut noise = Noise((channel as u64 + 20) << 32);
        let value = |index: usize| {
            let (row, col) = ((index / cols) as f64, (index % cols) as f64);
            let light: f64 = cells
                .iter()
                .map(|&(y, x, r, light)| {
                    let outside = (row - y).hypot(col - x) - r;
                    light[channel] / (1.0 + (1.5 * outside).exp())
                })
                .sum();
            (0.1 + 0.06 * noise.next() + 0.8 * light).min(1.0) * full_scale
        };
        let values = (0..rows * cols).map(value);
        let samples = match full_scale {
            255.0 => Samples::U8(values.map(|value| value as u8).collect()),
            _ => Samples::U16(values.map(|value| value as u16).collect()),
        };
        RawPage { rows, cols, samples, limits: Some(StretchLimits { low: 20, high }) }
    };
    (0..4).map(page).collect()
}

fn stored(pages: Vec<RawPage>) -> Vec<StoredPlane> {
    let of_page = |page| StoredPlane::new(page, IntensityScale::PageMaximum);
    pages.into_iter().map(|page| of_page(page).expect("limits are given")).collect()
}

fn frame_of(stored: &[StoredPlane]) -> Frame {
    Frame {
        number: 7,
        channels: vec![Channel::Cd45, Channel::Dapi, Channel::Cytokeratin, Channel::Her2],
        planes: stored.iter().map(StoredPlane::plane).collect(),
    }
}

fn assert_equal_on(
    gpu: &dyn Backend,
    stored: &[StoredPlane],
    settings: &FrameSettings<'_>,
    what: &str,
) -> FrameSegmentation {
    let frame = frame_of(stored);
    let input = FrameInput::new(&frame, settings).expect("sizes go together");
    let twin = CpuEngine::new().segment_frame(&input).expect("the CPU works");
    let device = gpu.segment_frame(&input).expect("the device works");
    for (index, (a, b)) in twin.channels.iter().zip(&device.channels).enumerate() {
        let cols = a.mask.cols;
        let what = format!("{what}, channel {index}");
        let means = |outline: &herscope::imaging::ChannelContour| {
            (outline.mu0, outline.mu1, outline.iterations)
        };
        assert_eq!(means(&a.outline), means(&b.outline), "{what}: means and iterations");
        assert_same(&a.outline.contour.pixels, &b.outline.contour.pixels, cols, &what);
        assert_same(&a.mask.pixels, &b.mask.pixels, cols, &what);
        assert_eq!(a.background, b.background, "{what}: background");
    }
    assert_same(&twin.labels.labels, &device.labels.labels, twin.labels.cols, what);
    assert_same(&twin.objects, &device.objects, 1, what);
    assert!(twin == device, "{what}: the rest");
    device
}

fn settings(thresholds: Vec<f64>) -> FrameSettings<'static> {
    FrameSettings {
        contour: ContourSettings { lambda: 0.01, max_iterations: 60 },
        pixel_size: Some(MicronsPerPixel(0.64)),
        ..FrameSettings::full_detection(thresholds)
    }
}

#[test]
fn frames_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("frames_are_equal_on_cpu_and_gpu") else { return };
    for (full_scale, high) in [(255.0, 4_095), (50_000.0, 4_095), (255.0, 35_000)] {
        let raw = pages(123, 131, &CELLS, full_scale, high);
        let saturation: Vec<Option<f32>> = raw
            .iter()
            .map(|page| Some(saturation_level(page, IntensityScale::PageMaximum)))
            .collect();
        let stored = stored(raw);
        let threshold = 20.0 + f64::from(high - 20) * 0.35;
        let what = format!("values to {full_scale}, intensities to {high}");
        let plain = settings(vec![threshold; 4]);
        let found = assert_equal_on(gpu.as_ref(), &stored, &plain, &what);
        assert!(found.objects.len() >= 3, "{what}: objects: {}", found.objects.len());

        let edge = mask(123, 131, |row, col| row < 9 || col > 120);
        let all = FrameSettings {
            edge_mask: Some(&edge),
            saturation,
            clear_border: false,
            ..plain.clone()
        };
        assert_equal_on(gpu.as_ref(), &stored, &all, &format!("{what}, with edge"));

        let split = FrameSettings { split_touching: true, ..all };
        let parts = assert_equal_on(gpu.as_ref(), &stored, &split, &format!("{what}, split"));
        assert!(parts.objects.len() > found.objects.len(), "{what}: two cells taken apart");
    }
}

#[test]
fn frames_without_classes_are_equal_on_cpu_and_gpu() {
    let Some(gpu) = gpu("frames_without_classes_are_equal_on_cpu_and_gpu") else { return };
    let stored = stored(pages(40, 70, &CELLS[..1], 255.0, 4_095));
    let above_all = settings(vec![9_999.0; 4]);
    let found = assert_equal_on(gpu.as_ref(), &stored, &above_all, "all background");
    assert_eq!(found.labels.n_labels, found.objects.len() as u32, "labels are objects");
    assert_equal_on(gpu.as_ref(), &stored, &settings(vec![0.0; 4]), "all foreground");
    let edge = mask(40, 70, |_, _| true);
    let covered = FrameSettings { edge_mask: Some(&edge), ..settings(vec![1_000.0; 4]) };
    assert_equal_on(gpu.as_ref(), &stored, &covered, "all edge");

    for (rows, cols) in [(0, 0), (1, 1), (2, 3), (33, 1)] {
        let flat = |value: u8| RawPage {
            rows,
            cols,
            samples: Samples::U8(vec![value; rows * cols]),
            limits: Some(StretchLimits { low: 20, high: 4_095 }),
        };
        let stored: Vec<StoredPlane> = [0, 7, 200, 255]
            .map(|value| StoredPlane::new(flat(value), IntensityScale::PageMaximum))
            .map(|page| page.expect("limits are given"))
            .into();
        let what = format!("flat, {rows} x {cols}");
        assert_equal_on(gpu.as_ref(), &stored, &settings(vec![100.0; 4]), &what);
    }
}

/// Buffers are kept: what a frame left behind must not show in the next one, whatever its size.
#[test]
fn frames_leave_nothing_behind() {
    let Some(gpu) = gpu("frames_leave_nothing_behind") else { return };
    let large = stored(pages(123, 131, &CELLS, 255.0, 4_095));
    let empty = stored(pages(123, 131, &[], 255.0, 4_095));
    let other = stored(pages(64, 150, &CELLS, 50_000.0, 4_095));
    let edge = mask(123, 131, |row, _| row > 60);
    let plain = settings(vec![1_500.0; 4]);
    let edged = FrameSettings { edge_mask: Some(&edge), ..plain.clone() };
    assert_equal_on(gpu.as_ref(), &large, &edged, "first, with edge");
    assert_equal_on(gpu.as_ref(), &empty, &plain, "without cells or edge");
    assert_equal_on(gpu.as_ref(), &other, &plain, "another size and depth");
    assert_equal_on(gpu.as_ref(), &large, &plain, "the first without edge");
}

#[test]
fn pages_that_do_not_belong_to_the_frame_are_refused() {
    let large = stored(pages(40, 70, &[], 255.0, 4_095));
    let other = stored(pages(41, 70, &[], 255.0, 4_095));
    let plain = settings(vec![1_500.0; 4]);
    let mut frame = frame_of(&large);
    frame.planes[1] = other[1].plane();
    let error = FrameInput::new(&frame, &plain).expect_err("another height");
    assert!(error.to_string().contains("41 x 70"), "{error}");
    let pixels = large[1].plane().pixels;
    frame.planes[1] = Plane::new(40, 70, pixels);
    let error = FrameInput::new(&frame, &plain).expect_err("a page is missing");
    assert!(error.to_string().contains("3 stored pages"), "{error}");
}
