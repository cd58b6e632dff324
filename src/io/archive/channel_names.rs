//! Which channel a name in a file's metadata means.

use crate::imaging::Channel;

/// Names of markers; the role that each has in an analysis.
const MARKERS: [(&str, Channel); 14] = [
    ("dapi", Channel::Dapi),
    ("dna", Channel::Dapi),
    ("hoechst", Channel::Dapi),
    ("nucleus", Channel::Dapi),
    ("nuclei", Channel::Dapi),
    ("ck", Channel::Cytokeratin),
    ("cks", Channel::Cytokeratin),
    ("panck", Channel::Cytokeratin),
    ("cytokeratin", Channel::Cytokeratin),
    ("keratin", Channel::Cytokeratin),
    ("cd45", Channel::Cd45),
    ("her2", Channel::Her2),
    ("her2neu", Channel::Her2),
    ("erbb2", Channel::Her2),
];

/// Fluorochromes and the role that each has in a CellTracks kit.
const FLUOROCHROMES: [(&str, Channel); 3] =
    [("fitc", Channel::Her2), ("pe", Channel::Cytokeratin), ("apc", Channel::Cd45)];

/// The channel that a name means; [`Channel::Other`] for one that means none, or two.
///
/// Upper and lower case are the same. A marker may stand anywhere in the name (`CK-PE`, `Hoechst
/// 33342`, `HER-2`); a fluorochrome must be the whole of it, since `PE-Cy7` is not PE and a marker
/// may be on any fluorochrome.
pub(super) fn channel_of_name(name: &str) -> Channel {
    let name = name.trim();
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
    let pairs = words.windows(2).map(|pair| pair.concat());
    let all = words.iter().map(|&word| word.to_owned()).chain(pairs);
    let mut found: Vec<&Channel> = all
        .filter_map(|word| MARKERS.iter().find(|(marker, _)| *marker == word))
        .map(|(_, channel)| channel)
        .collect();
    found.dedup();
    match found[..] {
        [only] => only.clone(),
        [] => {
            let fluorochrome = FLUOROCHROMES.iter().find(|(known, _)| *known == lower);
            fluorochrome.map_or_else(|| Channel::Other(name.to_owned()), |(_, role)| role.clone())
        }
        _ => Channel::Other(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_found_anywhere_and_fluorochromes_only_alone() {
        for (name, channel) in [
            ("DAPI", Channel::Dapi),
            ("Hoechst 33342", Channel::Dapi),
            (" CK-PE ", Channel::Cytokeratin),
            ("pan-CK", Channel::Cytokeratin),
            ("CK_FITC", Channel::Cytokeratin),
            ("PE", Channel::Cytokeratin),
            ("CD45 (APC)", Channel::Cd45),
            ("HER-2", Channel::Her2),
            ("HER2/neu", Channel::Her2),
            ("fitc", Channel::Her2),
        ] {
            assert_eq!(channel_of_name(name), channel, "{name}");
        }
        for name in ["PE-Cy7", "Cy5", "CK and CD45", "shared", ""] {
            assert_eq!(channel_of_name(name), Channel::Other(name.into()), "{name}");
        }
    }
}
