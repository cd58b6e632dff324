//! A generated block of `docs/validation.md`.

/// Compares the block `name` of the page with `block`, or writes it where `HERSCOPE_WRITE_DOCS` is 1.
/// Write with one test at a time (`-j 1`): two would overwrite each other's block.
pub(crate) fn check_or_write(name: &str, block: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md");
    let page = std::fs::read_to_string(&path).expect("the page is in the repository");
    let opening = format!("<!-- generated: {name} -->\n");
    let begin = page.find(&opening).expect("the page has the opening marker") + opening.len();
    let closing = format!("<!-- end of {name} -->\n");
    let end = begin + page[begin..].find(&closing).expect("the page has the closing marker");
    if std::env::var("HERSCOPE_WRITE_DOCS").is_ok_and(|value| value == "1") {
        let written = format!("{}{block}{}", &page[..begin], &page[end..]);
        std::fs::write(&path, written).expect("the page can be written");
        return;
    }
    assert_eq!(&page[begin..end], block, "HERSCOPE_WRITE_DOCS=1 writes the block anew");
}
