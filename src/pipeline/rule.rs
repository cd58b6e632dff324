//! Rules that sort patients: `t1_ctc >= 1`, `her2pos_ctc >= 1 and tissue_her2 = '3+'`.

use crate::Error;

/// A condition on the columns of the patient table.
///
/// Comparisons `COLUMN OPERATOR VALUE` with `>=`, `>`, `<=`, `<`, `=` (or `==`) and `!=`, joined by
/// `and` and `or` (`and` binds closer). A value is a number, or a text in quotes, which only `=`
/// and `!=` take.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    text: String,
    /// Any of these lists, all of whose comparisons hold.
    alternatives: Vec<Vec<Comparison>>,
}

#[derive(Clone, Debug, PartialEq)]
struct Comparison {
    column: String,
    operator: Operator,
    value: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    AtLeast,
    Above,
    AtMost,
    Below,
    Equal,
    Different,
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(f64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Operator(Operator),
}

const DOING: &str = "reading a rule";
const GRAMMAR: &str = "COLUMN >= NUMBER, COLUMN = 'TEXT', joined by and, or";

impl Rule {
    /// Reads a rule.
    ///
    /// # Errors
    /// An input error that quotes the rule and the part that cannot be read.
    ///
    /// ```
    /// use herscope::pipeline::rule::Rule;
    ///
    /// let rule = Rule::parse("her2pos_ctc >= 1 and tissue_her2 = '3+'")?;
    /// assert_eq!(rule.columns(), ["her2pos_ctc", "tissue_her2"]);
    /// let holds = |count: &str| {
    ///     rule.holds(|column| Some(if column == "tissue_her2" { "3+" } else { count }.to_owned()))
    /// };
    /// assert_eq!(holds("2")?, Some(true));
    /// assert_eq!(holds("0")?, Some(false));
    /// # Ok::<(), herscope::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, Error> {
        let tokens = tokens_of(text)?;
        let mut alternatives = Vec::new();
        for part in tokens.split(|token| is_word(token, "or")) {
            let comparisons = part
                .split(|token| is_word(token, "and"))
                .map(|tokens| comparison_of(text, tokens))
                .collect::<Result<_, _>>()?;
            alternatives.push(comparisons);
        }
        Ok(Self { text: text.to_owned(), alternatives })
    }

    /// The rule as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns it looks at, each once, in order of appearance.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for comparison in self.alternatives.iter().flatten() {
            if !columns.contains(&comparison.column.as_str()) {
                columns.push(&comparison.column);
            }
        }
        columns
    }

    /// Whether the rule holds for the row that `cell(column)` reads; a cell is `None` where it is
    /// missing. `None` where missing cells leave it open: `missing or true` is true, `missing and
    /// true` is not known.
    ///
    /// # Errors
    /// A text in a column that is compared with a number.
    pub fn holds(&self, cell: impl Fn(&str) -> Option<String>) -> Result<Option<bool>, Error> {
        let mut any_open = false;
        for comparisons in &self.alternatives {
            let mut all = Some(true);
            for comparison in comparisons {
                match comparison.holds(&self.text, cell(&comparison.column))? {
                    Some(false) => all = Some(false),
                    None if all == Some(true) => all = None,
                    _ => {}
                }
            }
            match all {
                Some(true) => return Ok(Some(true)),
                None => any_open = true,
                Some(false) => {}
            }
        }
        Ok(if any_open { None } else { Some(false) })
    }
}

impl Comparison {
    fn holds(&self, rule: &str, cell: Option<String>) -> Result<Option<bool>, Error> {
        let Some(cell) = cell else { return Ok(None) };
        let wanted = match &self.value {
            Value::Text(wanted) => {
                return Ok(Some((cell == *wanted) == (self.operator == Operator::Equal)));
            }
            Value::Number(wanted) => *wanted,
        };
        let number: f64 = cell.parse().map_err(|_| {
            Error::input("sorting patients by a rule")
                .at(format!("rule {rule:?}, column {}", self.column))
                .found(format!("{cell:?}"))
                .expected("a number, since the rule compares with one")
        })?;
        Ok(Some(match self.operator {
            Operator::AtLeast => number >= wanted,
            Operator::Above => number > wanted,
            Operator::AtMost => number <= wanted,
            Operator::Below => number < wanted,
            Operator::Equal => number == wanted,
            Operator::Different => number != wanted,
        }))
    }
}

fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(text) if text == word)
}

fn unreadable(rule: &str, found: impl Into<String>) -> Error {
    Error::input(DOING).at(format!("rule {rule:?}")).found(found).expected(GRAMMAR)
}

fn tokens_of(rule: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut rest = rule.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => {
                let inside = &rest[1..];
                let end = inside
                    .find(first)
                    .ok_or_else(|| unreadable(rule, format!("no end of the text {rest:?}")))?;
                tokens.push(Token::Quoted(inside[..end].to_owned()));
                end + 2
            }
            '<' | '>' | '=' | '!' => {
                let end = rest.find(|c| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(rest.len());
                tokens.push(Token::Operator(operator_of(rule, &rest[..end])?));
                end
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '=' | '!');
                let end = rest.find(ends).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_owned()));
                end
            }
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn operator_of(rule: &str, text: &str) -> Result<Operator, Error> {
    Ok(match text {
        ">=" => Operator::AtLeast,
        ">" => Operator::Above,
        "<=" => Operator::AtMost,
        "<" => Operator::Below,
        "=" | "==" => Operator::Equal,
        "!=" => Operator::Different,
        other => return Err(unreadable(rule, format!("the operator {other:?}"))),
    })
}

fn comparison_of(rule: &str, tokens: &[Token]) -> Result<Comparison, Error> {
    let [Token::Word(column), Token::Operator(operator), value] = tokens else {
        return Err(unreadable(rule, "a part that is no comparison"));
    };
    let value = match value {
        Token::Quoted(text) if matches!(operator, Operator::Equal | Operator::Different) => {
            Value::Text(text.clone())
        }
        Token::Quoted(text) => {
            return Err(unreadable(rule, format!("the text {text:?} after an order")));
        }
        Token::Word(word) => match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Number(number),
            _ => return Err(unreadable(rule, format!("{word:?} without quotes"))),
        },
        Token::Operator(_) => return Err(unreadable(rule, "two operators in a row")),
    };
    Ok(Comparison { column: column.clone(), operator: *operator, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(rule: &str, row: &[(&str, &str)]) -> Result<Option<bool>, Error> {
        Rule::parse(rule)?.holds(|column| {
            row.iter().find(|(name, _)| *name == column).map(|(_, cell)| (*cell).to_owned())
        })
    }

    #[test]
    fn and_binds_closer_than_or() {
        let row = [("a", "1"), ("b", "0"), ("c", "0")];
        let found = holds("a >= 1 or b >= 1 and c >= 1", &row).expect("a rule");
        assert_eq!(found, Some(true), "a alone is enough");
        let found = holds("a < 1 or b = 0 and c != 0", &row).expect("a rule");
        assert_eq!(found, Some(false), "c is 0");
    }

    #[test]
    fn a_missing_cell_leaves_open_what_it_can_decide() {
        let row = [("a", "1")];
        assert_eq!(holds("a >= 1 or b >= 1", &row).expect("a rule"), Some(true), "a decides");
        assert_eq!(holds("a >= 2 and b >= 1", &row).expect("a rule"), Some(false), "a decides");
        assert_eq!(holds("a >= 1 and b >= 1", &row).expect("a rule"), None, "b decides");
        assert_eq!(holds("b >= 1 or a >= 2", &row).expect("a rule"), None, "b decides");
    }

    #[test]
    fn what_is_no_rule_is_refused_with_what_would_be_one() {
        for rule in ["", "t1_ctc", "t1_ctc =>1", "t1_ctc >= 'many'", "a = b", "a = 'b", "a = 1 and"]
        {
            let error = Rule::parse(rule).expect_err("no rule");
            assert!(error.is_input() && error.to_string().contains("COLUMN"), "{rule}: {error}");
        }
    }

    #[test]
    fn a_text_where_a_number_is_compared_is_refused_with_its_column() {
        let error = holds("stage >= 2", &[("stage", "II")]).expect_err("no number");
        assert!(error.to_string().contains("column stage"), "{error}");
    }
}
