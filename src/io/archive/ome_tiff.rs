//! OME-TIFF: frames as `Image` elements, their channels as pages of one file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::channel_names::channel_of_name;
use super::grid_choice::Declared;
use super::ome_xml::{OmeImage, TiffData, is_ome, read_ome};
use super::sample::{FoundSample, first_shape};
use super::{Archive, ArchiveOptions, Compat, FrameSource, Layout, PagePlace, doing, refusal};
use crate::imaging::{Channel, IntensityScale};
use crate::io::tiff::{count_pages, image_description};
use crate::units::MicronsPerPixel;
use crate::{Error, Warning};

/// Largest relative difference of a pixel's width and height.
const SQUARE_WITHIN: f64 = 1e-3;

/// Whether a file is an OME-TIFF: its first page is described by OME-XML.
///
/// # Errors
/// A file named `.ome.tif` or `.ome.tiff` whose first page is not.
pub(super) fn is_ome_tiff(path: &Path) -> Result<bool, Error> {
    let described = image_description(path);
    let is_described = matches!(&described, Ok(Some(text)) if is_ome(text));
    if is_described || !is_named_ome(path) {
        return Ok(is_described);
    }
    Err(match described {
        Err(error) => error,
        Ok(_) => refusal(path)
            .found("a file named OME-TIFF whose first page is not described by OME-XML")
            .expected("OME-XML in its tag 270, or another name"),
    })
}

fn is_named_ome(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
    name.is_some_and(|name| name.ends_with(".ome.tif") || name.ends_with(".ome.tiff"))
}

/// A file's name without `.ome.tif`.
pub(super) fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match stem.len().checked_sub(4).map(|at| stem.split_at_checked(at)) {
        Some(Some((name, ending))) if ending.eq_ignore_ascii_case(".ome") => name.to_owned(),
        _ => stem,
    }
}

/// A sample of OME-TIFF files in scan order; the frames of each in the order of its `Image`s.
pub(super) fn of_files(
    sample_id: String,
    files: Vec<PathBuf>,
    options: &ArchiveOptions,
) -> Result<Archive, Error> {
    if options.compat == Compat::Accept || options.scale == IntensityScale::FullScale {
        return Err(Error::usage(doing())
            .at(files[0].display().to_string())
            .found("an OME-TIFF, which has no stretch limits and which ACCEPT does not read")
            .expected("neither --compat accept nor --intensity-scale full"));
    }
    let mut frames = Vec::new();
    let mut images = Vec::new();
    for file in &files {
        let description = match image_description(file)? {
            Some(text) if is_ome(&text) => text,
            _ => {
                let found = "no OME-XML in the first page's description";
                return Err(refusal(file).found(found).expected("an OME-TIFF like the first file"));
            }
        };
        let n_pages = count_pages(file)?;
        let of_file = read_ome(file, &description)?;
        let is_only = of_file.len() == 1;
        for image in of_file {
            frames.push(FrameSource::of_pages(planes(file, &image, is_only, n_pages)?));
            images.push((file, image));
        }
    }
    let mut seen = HashSet::new();
    for page in frames.iter().flat_map(|frame| &frame.pages) {
        if !seen.insert((&page.file, page.page)) {
            return Err(refusal(&page.file)
                .found(format!("IFD {} in two planes", page.page))
                .expected("a page a plane"));
        }
    }
    let (place, first) = images[0].clone();
    for (file, image) in &images[1..] {
        same_kind(file, image, &first)?;
    }
    let mut warnings = vec![Warning::new(
        "stored_intensities",
        format!(
            "{sample_id}: an OME-TIFF has no stretch limits; the stored values are the intensities"
        ),
    )];
    let size = (first.size.0 as usize, first.size.1 as usize);
    let shape = first_shape(&frames, IntensityScale::Stored, options, FrameSource::shape)?;
    if (shape.rows, shape.cols) != size {
        return Err(refusal(place)
            .found(format!("pages of {} x {} pixels", shape.rows, shape.cols))
            .expected(format!("{} x {} (SizeY x SizeX of {})", size.0, size.1, first.id)));
    }
    let channels = channels(place, &sample_id, &first, options, &mut warnings)?;
    let pixel_size = pixel_size(place, &first)?;
    let is_cartridge = frames.len() > 1;
    FoundSample {
        sample_id,
        layout: Layout::OmeTiff,
        place: place.clone(),
        frames,
        described_by: Vec::new(),
        grid: Declared::default(),
        is_cartridge,
        has_edge: is_cartridge,
        channels,
        frame_size: Some(size),
        events: Vec::new(),
        priors: Vec::new(),
        pixel_size,
        scale: IntensityScale::Stored,
        warnings,
    }
    .into_archive(options)
}

/// The page of each channel of an image.
fn planes(
    file: &Path,
    image: &OmeImage,
    is_only: bool,
    n_pages: usize,
) -> Result<Vec<PagePlace>, Error> {
    let wrong = |found: String, right: &str| Err(refusal(file).found(found).expected(right));
    let id = &image.id;
    for (name, size) in [("SizeZ", image.size_z), ("SizeT", image.size_t)] {
        if size != 1 {
            return wrong(
                format!("{name}=\"{size}\" of {id}"),
                "1: one plane in depth and in time (project or split the stack before)",
            );
        }
    }
    if !matches!(&*image.sample_type, "uint8" | "uint16") {
        return wrong(format!("Type=\"{}\" of {id}", image.sample_type), "uint8 or uint16");
    }
    let n_channels = usize::try_from(image.size_c).ok().filter(|&n| (1..=n_pages).contains(&n));
    let Some(n_channels) = n_channels else {
        return wrong(
            format!("SizeC=\"{}\" of {id} in a file of {n_pages} pages", image.size_c),
            "a page a channel (not colour pages)",
        );
    };
    let whole = [TiffData::default()];
    let tiff_data = match &image.tiff_data[..] {
        [] if is_only => &whole[..],
        [] => return wrong(format!("{id} without TiffData, one of several"), "TiffData with IFD"),
        given => given,
    };
    let mut pages: Vec<Option<usize>> = vec![None; n_channels];
    for data in tiff_data {
        let own = file.file_name().map(|name| name.to_string_lossy());
        if let Some(other) = data.file.as_ref().filter(|name| Some(name.as_str()) != own.as_deref())
        {
            return wrong(format!("planes of {id} in another file, {other}"), "in the same file");
        }
        if !is_only && data.ifd.is_none() {
            return wrong(format!("a TiffData of {id} without IFD, one of several"), "its IFD");
        }
        let n_planes = match (data.plane_count, data.ifd) {
            (Some(n), _) => n,
            (None, Some(_)) => 1,
            (None, None) => image.size_c.saturating_sub(data.first_c),
        };
        // the last one decides what is inside; the loop is bounded by the channels
        for plane in 0..n_planes.min(image.size_c + 1) {
            let page = data.ifd.unwrap_or(0).saturating_add(plane);
            let channel = data.first_c.saturating_add(plane);
            let slot = usize::try_from(channel).ok().and_then(|channel| pages.get_mut(channel));
            let Some(slot) = slot else {
                return wrong(
                    format!("channel {channel} (0-based) in a TiffData of {id}"),
                    "one of its SizeC channels",
                );
            };
            match usize::try_from(page).ok().filter(|&page| page < n_pages) {
                Some(page) if slot.is_none() => *slot = Some(page),
                Some(_) => return wrong(format!("two planes of channel {channel} of {id}"), "one"),
                None => {
                    return wrong(
                        format!("IFD {page} in a TiffData of {id}"),
                        &format!("one of the {n_pages} pages, counted from 0"),
                    );
                }
            }
        }
    }
    let place = |(channel, page): (usize, Option<usize>)| match page {
        Some(page) => Ok(PagePlace { file: file.to_owned(), page }),
        None => Err(refusal(file)
            .found(format!("no plane of channel {channel} (0-based) of {id}"))
            .expected("a TiffData that has it")),
    };
    pages.into_iter().enumerate().map(place).collect()
}

/// Further images must be frames of the same cartridge.
fn same_kind(file: &Path, image: &OmeImage, first: &OmeImage) -> Result<(), Error> {
    let facts = |image: &OmeImage| {
        let names: Vec<_> = image.channels.iter().map(|channel| &channel.name).collect();
        let (width, height) = image.pixel_um;
        format!(
            "{} x {} pixels of {width:?} x {height:?} um, {} channels {names:?}",
            image.size.0, image.size.1, image.size_c
        )
        .replace("Some(", "(")
    };
    let (found, expected) = (facts(image), facts(first));
    if found == expected {
        return Ok(());
    }
    Err(refusal(file)
        .found(format!("{}: {found}", image.id))
        .expected(format!("{expected}, as the first one: every Image is a frame")))
}

fn channels(
    place: &Path,
    sample_id: &str,
    image: &OmeImage,
    options: &ArchiveOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Channel>, Error> {
    let n_channels = image.size_c as usize;
    if let Some(channels) = &options.channels {
        return if channels.len() == n_channels {
            Ok(channels.clone())
        } else {
            Err(refusal(place)
                .found(format!("{n_channels} channels"))
                .expected(format!("{}, one for each name of --channels", channels.len())))
        };
    }
    let named = |index: usize| {
        let channel = image.channels.get(index);
        let names = channel.map(|channel| [&channel.name, &channel.fluor]);
        let names: Vec<&String> = names.into_iter().flatten().flatten().collect();
        let known = names.iter().map(|name| channel_of_name(name));
        let mut known = known.filter(|channel| !matches!(channel, Channel::Other(_)));
        known.next().unwrap_or_else(|| {
            let name = names.first().map(|name| name.to_string());
            Channel::Other(name.unwrap_or_else(|| format!("channel{}", index + 1)))
        })
    };
    let channels: Vec<Channel> = (0..n_channels).map(named).collect();
    let usual = [Channel::Dapi, Channel::Cytokeratin, Channel::Cd45, Channel::Her2];
    let missing: Vec<String> = usual
        .iter()
        .filter(|channel| !channels.contains(channel))
        .map(ToString::to_string)
        .collect();
    if !missing.is_empty() {
        let found: Vec<String> = channels.iter().map(ToString::to_string).collect();
        warnings.push(Warning::new(
            "channels_not_found",
            format!(
                "{sample_id}: no channel is known as {}; the names are {}; --channels says what \
                 each is",
                missing.join(", "),
                found.join(", ")
            ),
        ));
    }
    Ok(channels)
}

/// The edge of a square pixel.
fn pixel_size(place: &Path, image: &OmeImage) -> Result<Option<MicronsPerPixel>, Error> {
    match image.pixel_um {
        (None, None) => Ok(None),
        (Some(width), Some(height)) if (width - height).abs() <= SQUARE_WITHIN * width => {
            Ok(Some(MicronsPerPixel(width)))
        }
        (Some(width), Some(height)) => Err(refusal(place)
            .found(format!("pixels of {width} x {height} um (PhysicalSizeX, Y)"))
            .expected("square pixels")),
        (width, _) => {
            let (there, missing) = if width.is_some() { ("X", "Y") } else { ("Y", "X") };
            Err(refusal(place)
                .found(format!("PhysicalSize{there} without PhysicalSize{missing}"))
                .expected("both, or neither and --pixel-size-um"))
        }
    }
}
