//! Which page of a CellTracks frame is which channel.

use std::path::Path;

use super::{doing, refusal};
use crate::imaging::Channel;
use crate::io::tiff::MAX_PAGES;
use crate::{Error, Warning};

/// Pages that every CellTracks frame has: DAPI, an extra marker, CK, CD45.
const MIN_PAGES: usize = 4;

/// Fluorochromes and markers by the page that CellTracks gives them (0-based).
const USUAL_PAGES: [(&str, usize); 8] = [
    ("DAPI", 0),
    ("DNA", 0),
    ("FITC", 1),
    ("HER2", 1),
    ("PE", 2),
    ("CK", 2),
    ("APC", 3),
    ("CD45", 3),
];

/// Channels in page order: DAPI, HER2, CK, CD45, then further markers by their filter's name.
pub(super) fn celltracks_channels(
    place: &Path,
    filters: &[String],
    n_pages: usize,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<Channel>, Error> {
    let expected = if filters.is_empty() { MIN_PAGES } else { filters.len() };
    if n_pages < MIN_PAGES || (!filters.is_empty() && n_pages != filters.len()) {
        return Err(refusal(place).found(format!("frames of {n_pages} pages")).expected(format!(
            "{expected} to {}, or --channels with a name for each page",
            if filters.is_empty() { MAX_PAGES } else { expected }
        )));
    }
    for (page, filter) in filters.iter().enumerate() {
        let usual = USUAL_PAGES.iter().find(|(name, _)| filter.eq_ignore_ascii_case(name));
        if let Some(&(_, usual)) = usual
            && usual != page
        {
            warnings.push(Warning::new(
                "unusual_page_order",
                format!(
                    "{}: filter {filter} is on page {} where CellTracks has it on page {}; pages \
                     are taken in CellTracks order, --channels says otherwise",
                    place.display(),
                    page + 1,
                    usual + 1
                ),
            ));
        }
    }
    let further =
        |page: usize| filters.get(page).cloned().unwrap_or_else(|| format!("marker{}", page - 2));
    let mut channels = vec![Channel::Dapi, Channel::Her2, Channel::Cytokeratin, Channel::Cd45];
    channels.extend((MIN_PAGES..n_pages).map(|page| Channel::Other(further(page))));
    Ok(channels)
}

/// Channels in analysis order with the page of each; further markers keep the order of the pages.
pub(super) fn analysis_order(
    page_channels: Vec<Channel>,
) -> Result<(Vec<Channel>, Vec<usize>), Error> {
    let role = |channel: &Channel| match channel {
        Channel::Cd45 => 0,
        Channel::Dapi => 1,
        Channel::Cytokeratin => 2,
        Channel::Her2 => 3,
        Channel::Other(_) => 4,
    };
    let mut ordered: Vec<(usize, Channel)> = page_channels.into_iter().enumerate().collect();
    ordered.sort_by_key(|(_, channel)| role(channel));
    for (index, (_, channel)) in ordered.iter().enumerate() {
        let name = channel.column_name();
        if ordered[..index].iter().any(|(_, other)| other.column_name() == name) {
            return Err(Error::input(doing())
                .found(format!("two pages of channel {name}"))
                .expected("a name of its own for each page; --channels gives them"));
        }
    }
    let (pages, channels) = ordered.into_iter().unzip();
    Ok((channels, pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_brought_into_analysis_order() {
        let names = ["DAPI", "FITC", "PE", "APC", "Cy7"].map(String::from);
        let mut warnings = Vec::new();
        let pages = celltracks_channels(Path::new("x"), &names, 5, &mut warnings)
            .expect("five filters for five pages");
        let (channels, pages) = analysis_order(pages).expect("names differ");
        let columns: Vec<String> = channels.iter().map(Channel::column_name).collect();
        assert_eq!(columns, ["cd45", "dapi", "ck", "her2", "cy7"], "analysis order");
        assert_eq!(pages, [3, 0, 2, 1, 4], "pages of the file");
        assert_eq!(warnings, [], "the usual order");
    }

    #[test]
    fn two_pages_of_one_channel_are_refused() {
        let twice = vec![Channel::Dapi, Channel::Other("x 1".into()), Channel::Other("X_1".into())];
        let error = analysis_order(twice).expect_err("one column name for two pages");
        assert!(error.to_string().contains("x_1"), "{error}");
    }
}
