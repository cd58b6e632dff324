//! Where the pages of a frame lie, and reading them.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::imaging::{Mask, RawPage};
use crate::io::tiff::{
    FrameRequest, FrameShape, frame_shape, pages_shape, read_frame_pages, read_frame_prefix,
    read_masks, read_pages,
};

/// A page of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePlace {
    /// The file.
    pub file: PathBuf,
    /// The page in it, 0-based.
    pub page: usize,
}

/// The pages of one frame: of one file, or one file a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSource {
    /// One page a channel, in analysis order.
    pub pages: Vec<PagePlace>,
    /// Pages that each file of the frame must have; `None` where it may have others beside.
    pub n_pages: Option<usize>,
    /// A file with one page a channel that says which pixels belong to the event.
    pub outlines: Option<PathBuf>,
    /// Why the frame cannot be read, where that is known before.
    pub refused: Option<String>,
}

/// Stored pages of a frame in analysis order; `None` where one was not read.
pub(super) struct ReadPages {
    pub(super) pages: Vec<Option<RawPage>>,
    /// Why some were not.
    pub(super) shortened: Option<Error>,
}

impl FrameSource {
    /// All pages of a file, one a channel, in the order of the file.
    pub(super) fn whole_file(file: PathBuf, n_pages: usize) -> Self {
        let pages = (0..n_pages).map(|page| PagePlace { file: file.clone(), page }).collect();
        Self { n_pages: Some(n_pages), ..Self::of_pages(pages) }
    }

    /// Pages that lie anywhere.
    pub(super) fn of_pages(pages: Vec<PagePlace>) -> Self {
        Self { pages, n_pages: None, outlines: None, refused: None }
    }

    /// The file that stands for the frame in messages.
    pub fn file(&self) -> &Path {
        self.pages.first().map_or(Path::new(""), |place| &place.file)
    }

    /// Every file of the frame, each once.
    pub fn files(&self) -> Vec<&Path> {
        let mut files: Vec<&Path> = Vec::new();
        for file in self.pages.iter().map(|place| &*place.file).chain(self.outlines.as_deref()) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        files
    }

    /// The frame's pages brought into another order: page `order[i]` becomes page `i`.
    pub(super) fn reorder(&mut self, order: &[usize]) {
        self.pages = order.iter().map(|&page| self.pages[page].clone()).collect();
    }

    /// Size and stretch of the frame's pages as the directories tell them.
    pub(super) fn shape(&self, request: &FrameRequest) -> Result<FrameShape, Error> {
        self.check()?;
        let mut found: Option<FrameShape> = None;
        for (file, places) in self.by_file() {
            let size = found.map(|shape| (shape.rows, shape.cols)).or(request.size);
            let request = FrameRequest { size, n_pages: self.n_pages, ..*request };
            let pages: Vec<usize> = places.iter().map(|&place| self.pages[place].page).collect();
            let here = match self.n_pages {
                Some(_) => frame_shape(file, &request)?,
                None => pages_shape(file, &pages, &request)?,
            };
            let shape = found.get_or_insert(FrameShape { n_pages: 0, ..here });
            shape.n_pages += here.n_pages;
            shape.has_limits &= here.has_limits;
        }
        found.ok_or_else(|| Error::input("reading a frame").found("no pages"))
    }

    /// Reads every page.
    pub(super) fn read(&self, request: &FrameRequest) -> Result<ReadPages, Error> {
        self.check()?;
        let mut found: Vec<Option<RawPage>> = vec![None; self.pages.len()];
        let mut size = request.size;
        for (file, places) in self.by_file() {
            let request = FrameRequest { size, n_pages: self.n_pages, ..*request };
            let wanted: Vec<usize> = places.iter().map(|&place| self.pages[place].page).collect();
            let pages = match self.n_pages {
                Some(_) => pick(read_frame_pages(file, &request)?, &wanted),
                None => read_pages(file, &wanted, &request)?.into_iter().map(Some).collect(),
            };
            for (place, page) in places.into_iter().zip(pages) {
                if let Some(page) = &page {
                    size.get_or_insert((page.rows, page.cols));
                }
                found[place] = page;
            }
        }
        Ok(ReadPages { pages: found, shortened: None })
    }

    /// Reads the pages before the first unreadable one of a frame that is one file; of other frames
    /// every page.
    pub(super) fn read_prefix(&self, request: &FrameRequest) -> Result<ReadPages, Error> {
        let n_pages = self.n_pages.filter(|_| self.by_file().len() == 1);
        let Some(n_pages) = n_pages else { return self.read(request) };
        self.check()?;
        let prefix = read_frame_prefix(self.file(), n_pages, request)?;
        let wanted: Vec<usize> = self.pages.iter().map(|place| place.page).collect();
        Ok(ReadPages { pages: pick(prefix.pages, &wanted), shortened: prefix.shortened })
    }

    /// The sets of pixels that belong to the event, in analysis order, where they are given.
    pub(super) fn read_outlines(&self, size: (usize, usize)) -> Result<Option<Vec<Mask>>, Error> {
        let Some(file) = &self.outlines else { return Ok(None) };
        let masks = read_masks(file, size)?;
        if masks.len() != self.pages.len() {
            return Err(Error::input("reading outlines")
                .at(file.display().to_string())
                .found(format!("{} pages", masks.len()))
                .expected(format!("{}, as the thumbnail has", self.pages.len())));
        }
        Ok(Some(self.pages.iter().map(|place| masks[place.page].clone()).collect()))
    }

    fn check(&self) -> Result<(), Error> {
        match &self.refused {
            None => Ok(()),
            Some(why) => Err(Error::input("reading a frame")
                .at(self.file().display().to_string())
                .found(why.clone())
                .expected("one page a channel")),
        }
    }

    /// Files with the places (in analysis order) whose pages lie in them.
    fn by_file(&self) -> Vec<(&Path, Vec<usize>)> {
        let mut files: Vec<(&Path, Vec<usize>)> = Vec::new();
        for (place, page) in self.pages.iter().enumerate() {
            match files.iter_mut().find(|(file, _)| *file == page.file) {
                Some((_, places)) => places.push(place),
                None => files.push((&page.file, vec![place])),
            }
        }
        files
    }
}

/// The wanted ones of the pages of a file, each wanted once.
fn pick(pages: Vec<RawPage>, wanted: &[usize]) -> Vec<Option<RawPage>> {
    let mut pages: Vec<Option<RawPage>> = pages.into_iter().map(Some).collect();
    wanted.iter().map(|&page| pages.get_mut(page).and_then(Option::take)).collect()
}
