//! A small SVG writer: elements with escaped text, coordinates with two decimals.
//!
//! Figures carry presentation attributes, no ids, scripts or style sheets, so that one drawing
//! can stand alone in a file and several can share an HTML page.

use std::fmt::Write;

/// Typeface of every figure. Widths are estimated for Helvetica; the others are metric twins.
pub(crate) const FONT: &str = "Helvetica, Arial, 'Liberation Sans', sans-serif";

/// Escapes text for XML content and attribute values. Characters that XML 1.0 forbids become
/// U+FFFD, so that a stray control byte in a label cannot make a figure unreadable.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A coordinate in pixels: at most two decimals, no trailing zeros, never `-0`.
pub(crate) fn coordinate(value: f64) -> String {
    let rounded = (value * 100.0).round() / 100.0;
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    format!("{rounded}")
}

/// A polyline as path data through `points`, in pixels.
pub(crate) fn path_data(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    for (index, &(x, y)) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        let _ = write!(data, "{command}{} {}", coordinate(x), coordinate(y));
    }
    data
}

/// One element without children, or with text only.
pub(crate) struct Element {
    name: &'static str,
    attributes: String,
    text: Option<String>,
    hover: Option<String>,
}

impl Element {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, attributes: String::new(), text: None, hover: None }
    }

    /// A straight line between two points.
    pub(crate) fn line(from: (f64, f64), to: (f64, f64)) -> Self {
        Self::new("line").at("x1", from.0).at("y1", from.1).at("x2", to.0).at("y2", to.1)
    }

    /// A polyline through `points`, not filled.
    pub(crate) fn polyline(points: &[(f64, f64)]) -> Self {
        Self::new("path").set("d", &path_data(points)).set("fill", "none")
    }

    /// A closed, filled polygon.
    pub(crate) fn polygon(points: &[(f64, f64)]) -> Self {
        let data = format!("{}Z", path_data(points));
        Self::new("path").set("d", &data)
    }

    /// A rectangle.
    pub(crate) fn rect(x: f64, y: f64, width: f64, height: f64) -> Self {
        let (width, height) = (width.max(0.0), height.max(0.0));
        Self::new("rect").at("x", x).at("y", y).at("width", width).at("height", height)
    }

    /// A circle.
    pub(crate) fn circle(centre: (f64, f64), radius: f64) -> Self {
        Self::new("circle").at("cx", centre.0).at("cy", centre.1).at("r", radius)
    }

    /// Text whose baseline starts (or is centred, or ends, see [`Element::anchor`]) at a point.
    pub(crate) fn text(at: (f64, f64), size: f64, text: &str) -> Self {
        let mut element = Self::new("text").at("x", at.0).at("y", at.1).at("font-size", size);
        element.text = Some(text.to_owned());
        element
    }

    /// `start`, `middle` or `end`.
    pub(crate) fn anchor(self, anchor: &'static str) -> Self {
        self.set("text-anchor", anchor)
    }

    pub(crate) fn bold(self) -> Self {
        self.set("font-weight", "700")
    }

    pub(crate) fn fill(self, colour: &str) -> Self {
        self.set("fill", colour)
    }

    pub(crate) fn stroke(self, colour: &str, width: f64) -> Self {
        self.set("stroke", colour).at("stroke-width", width)
    }

    /// A name for tests and style sheets.
    pub(crate) fn class(self, class: &'static str) -> Self {
        self.set("class", class)
    }

    /// Any attribute; the value is escaped.
    pub(crate) fn set(mut self, name: &'static str, value: &str) -> Self {
        let _ = write!(self.attributes, " {name}=\"{}\"", escape(value));
        self
    }

    /// Any numeric attribute in pixels.
    pub(crate) fn at(mut self, name: &'static str, value: f64) -> Self {
        let _ = write!(self.attributes, " {name}=\"{}\"", coordinate(value));
        self
    }

    /// Text a browser shows while the pointer rests on the element.
    pub(crate) fn hover(mut self, text: &str) -> Self {
        self.hover = Some(text.to_owned());
        self
    }

    fn write(&self, out: &mut String) {
        let _ = write!(out, "<{}{}", self.name, self.attributes);
        let hover = self.hover.as_deref().map(|hover| format!("<title>{}</title>", escape(hover)));
        let content =
            format!("{}{}", hover.unwrap_or_default(), escape(self.text.as_deref().unwrap_or("")));
        if content.is_empty() {
            out.push_str("/>\n");
        } else {
            let _ = writeln!(out, ">{content}</{}>", self.name);
        }
    }
}

/// A drawing under construction.
pub(crate) struct Drawing {
    body: String,
}

impl Drawing {
    pub(crate) fn new() -> Self {
        Self { body: String::new() }
    }

    pub(crate) fn add(&mut self, element: Element) {
        element.write(&mut self.body);
    }

    /// The document: `width` × `height` pixels, white, named for screen readers by `title`.
    pub(crate) fn finish(self, width: f64, height: f64, title: &str) -> String {
        let (width, height) = (coordinate(width.ceil()), coordinate(height.ceil()));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"{FONT}\" fill=\"#1a1a1a\">\n\
             <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n{}</svg>\n",
            escape(title),
            self.body
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_leave_its_element_or_attribute() {
        let mut drawing = Drawing::new();
        drawing.add(
            Element::text((1.0, 2.0), 12.0, "<script>alert('x')</script> & \"y\"\u{1}")
                .set("data-label", "\" onload=\"alert(1)")
                .hover("</title><script>"),
        );
        let svg = drawing.finish(10.0, 10.0, "</title><script>");
        assert!(!svg.contains("<script>"), "{svg}");
        let document = roxmltree::Document::parse(&svg).expect("escaped text is well-formed XML");
        let text = document
            .descendants()
            .find(|node| node.has_tag_name("text"))
            .expect("the text element was written");
        assert_eq!(text.attribute("data-label"), Some("\" onload=\"alert(1)"), "one attribute");
        assert!(text.attribute("onload").is_none(), "no attribute was injected");
    }

    #[test]
    fn coordinates_are_short_and_never_minus_zero() {
        assert_eq!(coordinate(-0.001), "0", "minus zero");
        assert_eq!(coordinate(12.5), "12.5", "no trailing zeros");
        assert_eq!(coordinate(1.0 / 3.0), "0.33", "two decimals");
    }
}
