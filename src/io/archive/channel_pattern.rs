//! Names of files that hold one channel: a text with stars.

use crate::Error;
use crate::imaging::Channel;

/// Which files of a sample folder hold a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelPattern {
    /// The channel.
    pub channel: Channel,
    /// Folder below the sample's, empty for the sample folder itself.
    pub(super) folder: String,
    /// Parts of the file name between the stars; one more than there are stars.
    parts: Vec<String>,
}

impl ChannelPattern {
    /// A pattern such as `*_PE.tif` or `PE/*.tif`: each star stands for any text, and what the stars
    /// stand for tells the frame.
    ///
    /// ```
    /// use herscope::imaging::Channel;
    /// use herscope::io::archive::ChannelPattern;
    /// let pattern = ChannelPattern::new(Channel::Cytokeratin, "*_PE.tif")?;
    /// assert_eq!(pattern.matched("slide3_PE.tif").as_deref(), Some("slide3"));
    /// assert_eq!(pattern.matched("slide3_FITC.tif"), None);
    /// # Ok::<(), herscope::Error>(())
    /// ```
    ///
    /// # Errors
    /// A usage error: no star in the file name, a star in a folder's, a way out of the folder.
    pub fn new(channel: Channel, pattern: &str) -> Result<Self, Error> {
        let wrong = |right: &str| {
            Err(Error::usage("reading a channel's pattern")
                .found(format!("\"{pattern}\" for {channel}"))
                .expected(right.to_owned()))
        };
        let (folder, name) = pattern.rsplit_once(['/', '\\']).unwrap_or(("", pattern));
        if !name.contains('*') || name.contains("**") {
            return wrong("a * where the names of the frames differ, such as *_PE.tif");
        }
        let leads_out = folder.split(['/', '\\']).any(|part| part == "..")
            || pattern.starts_with(['/', '\\'])
            || folder.contains(':');
        if folder.contains('*') || leads_out {
            return wrong("a folder below the sample's, without stars");
        }
        let parts = name.split('*').map(str::to_owned).collect();
        Ok(Self { channel, folder: folder.replace('\\', "/"), parts })
    }

    /// What the stars stand for in a file name, joined by `*`; `None` where it does not match.
    pub fn matched(&self, name: &str) -> Option<String> {
        let (first, rest) = self.parts.split_first()?;
        let (last, middle) = rest.split_last()?;
        let mut left = name.strip_prefix(first.as_str())?.strip_suffix(last.as_str())?;
        let mut stars = Vec::new();
        for part in middle {
            let (star, after) = left.split_once(part.as_str())?;
            stars.push(star);
            left = after;
        }
        stars.push(left);
        Some(stars.join("*"))
    }

    /// The path, relative to the sample folder, of the file of a frame.
    pub(super) fn name_of(&self, frame: &str) -> String {
        let stars = frame.split('*').chain(std::iter::repeat(""));
        let name: String = self
            .parts
            .iter()
            .zip(std::iter::once("").chain(stars))
            .fold(String::new(), |name, (part, star)| format!("{name}{star}{part}"));
        if self.folder.is_empty() { name } else { format!("{}/{name}", self.folder) }
    }

    /// The pattern as it was given.
    pub(super) fn text(&self) -> String {
        let name = self.parts.join("*");
        if self.folder.is_empty() { name } else { format!("{}/{name}", self.folder) }
    }

    /// Number of stars.
    pub(super) fn n_stars(&self) -> usize {
        self.parts.len() - 1
    }
}

/// Order of frames by name, runs of digits as the numbers they are: `a2` before `a10`.
pub(super) fn by_name(a: &str, b: &str) -> std::cmp::Ordering {
    let key = |text: &str| {
        let mut parts: Vec<(String, u128, String)> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let start = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let digits = rest[start..].find(|c: char| !c.is_ascii_digit());
            let end = digits.map_or(rest.len(), |length| start + length);
            // no digits come before any number, too many after all
            let number =
                if start == end { 0 } else { rest[start..end].parse().unwrap_or(u128::MAX) };
            parts.push((rest[..start].to_owned(), number, rest[start..end].to_owned()));
            rest = &rest[end..];
        }
        parts
    };
    key(a).cmp(&key(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_tell_the_frame() {
        let pattern = |text: &str| ChannelPattern::new(Channel::Dapi, text).expect("a pattern");
        assert_eq!(pattern("*_DAPI.tif").matched("a_DAPI.tif").as_deref(), Some("a"));
        assert_eq!(pattern("*_DAPI.tif").matched("_DAPI.tif").as_deref(), Some(""));
        assert_eq!(pattern("DAPI/f*.tif").matched("f001.tif").as_deref(), Some("001"));
        let two = pattern("*DAPI*.tif");
        assert_eq!(two.matched("x_DAPI_3.tif").as_deref(), Some("x_*_3"));
        assert_eq!(two.name_of("x_*_3"), "x_DAPI_3.tif", "and back");
        assert_eq!(pattern("D/a*.tif").name_of("7"), "D/a7.tif", "with its folder");
        assert_eq!(pattern("D/a*b*.tif").text(), "D/a*b*.tif", "as given");
        // the prefix and the ending must not share a letter
        assert_eq!(pattern("aba*aba").matched("ababa"), None, "too short");
        for wrong in ["DAPI.tif", "**.tif", "*/a*.tif", "../a*.tif", "/a*.tif", "c:/a*.tif"] {
            let error = ChannelPattern::new(Channel::Dapi, wrong).expect_err(wrong);
            assert!(error.is_usage() && error.to_string().contains(wrong), "{error}");
        }
    }

    #[test]
    fn numbers_in_names_are_numbers() {
        let mut names = ["b1", "a10", "a2", "a02", "a", "a2b"];
        names.sort_by(|a, b| by_name(a, b));
        assert_eq!(names, ["a", "a02", "a2", "a2b", "a10", "b1"], "a2 before a10");
    }
}
