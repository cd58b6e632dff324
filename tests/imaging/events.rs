//! Known events, crops around them, and kinds of objects.

use crate::compare::{compare_channel, contour};
use crate::reference::{
    folder, numbers, read_box, read_edge_mask, read_features, read_frame, read_json,
};
use herscope::imaging::{
    EventClass, Frame, FrameSegmentation, FrameSettings, GateSet, match_prior, segment_crop,
    segment_frame,
};
use herscope::units::MicronsPerPixel;

const FRAMES: [u32; 2] = [2, 12];

fn frame(number: u32) -> Frame {
    read_frame(&folder("grid").join(format!("900011_{number:03}.tif")), number)
}

fn segmented(frame: &Frame) -> FrameSegmentation {
    let json = read_json(&folder("grid").join("thresholds.json"));
    let plane = &frame.planes[0];
    let edge = read_edge_mask(&folder("grid")).of_frame(frame.number, plane.rows, plane.cols);
    let settings = FrameSettings {
        edge_mask: edge.as_ref(),
        ..FrameSettings::full_detection(numbers(&json["triangle_down"]))
    };
    segment_frame(frame, &settings, &contour).expect("a regular frame")
}

#[test]
fn crops_around_known_events_give_the_reference_features() {
    let json = read_json(&folder("grid").join("thresholds.json"));
    let settings = FrameSettings {
        pixel_size: Some(MicronsPerPixel(0.64)),
        ..FrameSettings::marker_characterization(numbers(&json["triangle_full"]))
    };
    for number in FRAMES {
        let frame = frame(number);
        let events = read_features(&folder("grid/marker").join("features.csv"), number);
        assert!(!events.is_empty(), "frame {number} has events");
        for event in events {
            let crop =
                segment_crop(&frame, read_box(&event), &settings, &contour).expect("regular");
            let crop = crop.expect("on the frame");
            let [kept] = crop.kept[..] else { panic!("one object: {:?}", crop.kept) };
            let object = &crop.segmentation.objects[kept];
            for (channel, properties) in object.channels.iter().enumerate() {
                compare_channel(properties, &event, channel + 1);
            }
        }
    }
}

#[test]
fn known_events_are_matched_with_the_reference_objects() {
    for number in FRAMES {
        let found = segmented(&frame(number));
        let boxes: Vec<_> =
            found.objects.iter().filter_map(|object| object.thumbnail_box).collect();
        assert_eq!(boxes.len(), found.objects.len(), "all thumbnails fit");
        for event in read_features(&folder("grid").join("prior_matches.csv"), number) {
            let matched = match_prior(read_box(&event), &boxes);
            let label = matched.map_or(0, |index| found.objects[index].label);
            assert_eq!(f64::from(label), event["matched_label"], "event {}", event["rid"]);
        }
    }
}

#[test]
fn objects_are_of_the_reference_kinds() {
    for number in FRAMES {
        let frame = frame(number);
        let found = segmented(&frame);
        let expected = read_features(&folder("grid").join("features.csv"), number);
        for (object, row) in found.objects.iter().zip(&expected) {
            let of = |set: GateSet| set.classify(object, &frame.channels);
            let label = object.label;
            assert_eq!(f64::from(label), row["label"], "the same order");
            for (set, column) in [
                (GateSet::breast(), "CTC_breast"),
                (GateSet::prostate(), "CTC_prostate"),
                (GateSet::cell_line(), "Cellline"),
            ] {
                assert_eq!(of(set) == EventClass::Ctc, row[column] == 1.0, "{label} {column}");
            }
            assert_eq!(of(GateSet::breast()) == EventClass::Wbc, row["WBC"] == 1.0, "{label} WBC");
        }
    }
}
