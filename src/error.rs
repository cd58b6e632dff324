//! The one error type and the one warning type of the crate.
//!
//! An [`Error`] is built from four answers a user needs: what was being done, where, what was
//! found, and what would be right. Its category decides the exit code (`cli::exit`).

use std::fmt;

/// Why an operation could not be done. Opaque; ask the `is_*` predicates for its category.
///
/// ```
/// use herscope::Error;
///
/// let error = Error::input("reading the cohort")
///     .at("patients.csv, row 12, column pfs_months")
///     .found("\"abc\"")
///     .expected("a number of months >= 0");
/// assert!(error.is_input());
/// assert_eq!(
///     error.to_string(),
///     "reading the cohort: patients.csv, row 12, column pfs_months: found \"abc\"; expected a number of months >= 0",
/// );
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    category: Category,
    doing: String,
    place: Option<String>,
    found: Option<String>,
    expected: Option<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Category {
    Usage,
    Input,
    Output,
    Device,
    Numeric,
    Interrupted,
}

impl Error {
    fn new(category: Category, doing: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            category,
            doing: doing.into(),
            place: None,
            found: None,
            expected: None,
            source: None,
        }))
    }

    /// The request itself cannot be right: options that exclude each other, an unknown name.
    pub fn usage(doing: impl Into<String>) -> Self {
        Self::new(Category::Usage, doing)
    }

    /// The data given are not what they must be: a file, row, frame or value.
    pub fn input(doing: impl Into<String>) -> Self {
        Self::new(Category::Input, doing)
    }

    /// The result could not be written, or would overwrite another.
    pub fn output(doing: impl Into<String>) -> Self {
        Self::new(Category::Output, doing)
    }

    /// The device asked for is not there, or failed.
    pub fn device(doing: impl Into<String>) -> Self {
        Self::new(Category::Device, doing)
    }

    /// A result exists but must not be trusted, and the caller asked for strictness.
    pub fn numeric(doing: impl Into<String>) -> Self {
        Self::new(Category::Numeric, doing)
    }

    /// The user stopped the run.
    pub fn interrupted(doing: impl Into<String>) -> Self {
        Self::new(Category::Interrupted, doing)
    }

    /// Adds where: file, row, column, frame, page.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// Adds what was found there.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.0.found = Some(found.into());
        self
    }

    /// Adds what would be right.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.0.expected = Some(expected.into());
        self
    }

    /// Keeps the lower error that caused this one.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The request cannot be right.
    pub fn is_usage(&self) -> bool {
        self.0.category == Category::Usage
    }

    /// The data given are not what they must be.
    pub fn is_input(&self) -> bool {
        self.0.category == Category::Input
    }

    /// The result could not be written.
    pub fn is_output(&self) -> bool {
        self.0.category == Category::Output
    }

    /// The device is missing or failed.
    pub fn is_device(&self) -> bool {
        self.0.category == Category::Device
    }

    /// A result is not to be trusted.
    pub fn is_numeric(&self) -> bool {
        self.0.category == Category::Numeric
    }

    /// The user stopped the run.
    pub fn is_interrupted(&self) -> bool {
        self.0.category == Category::Interrupted
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(&inner.doing)?;
        if let Some(place) = &inner.place {
            write!(f, ": {place}")?;
        }
        if let Some(found) = &inner.found {
            write!(f, ": found {found}")?;
        }
        if let Some(expected) = &inner.expected {
            write!(f, "; expected {expected}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} error: {self}", self.0.category)?;
        if let Some(source) = &self.0.source {
            write!(f, " (caused by: {source})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Something the user must know although the result stands. Collected and returned by library
/// code, printed once by the CLI, and written into every document and manifest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Warning {
    /// A stable snake_case name a program can test for.
    pub code: String,
    /// A sentence for a person.
    pub message: String,
}

impl Warning {
    /// A warning with a stable `code` and a sentence.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
