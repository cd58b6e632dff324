//! Tables as Apache Parquet: the columns of a CSV table with their types, for R and Python.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::Error;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// `true` and `false`.
    Flag,
    /// Anything else.
    Text,
}

/// A CSV table with a header as a Parquet file of one row group, uncompressed; `type_of` gives a
/// column's type by its name. Every column may be null: an empty field is.
///
/// # Errors
/// An output error that names the column: a field that is not of its type.
pub fn encode_parquet(csv: &[u8], type_of: impl Fn(&str) -> ColumnType) -> Result<Vec<u8>, Error> {
    let mut reader = csv::Reader::from_reader(csv);
    let names: Vec<String> = reader.headers().map_err(broken)?.iter().map(str::to_owned).collect();
    let mut columns: Vec<Column> = names.iter().map(|name| Column::new(type_of(name))).collect();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        for ((column, field), name) in columns.iter_mut().zip(&record).zip(&names) {
            column.push(field).ok_or_else(|| {
                Error::output(DOING)
                    .at(format!("column {name}"))
                    .found(format!("{field:?}"))
                    .expected(format!("{:?}", type_of(name)))
            })?;
        }
    }
    write(&names, &columns).map_err(broken)
}

const DOING: &str = "writing a Parquet table";

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::output(DOING).found(error.to_string()).caused_by(error)
}

/// The values of a column that are there, and for each row whether one is.
struct Column {
    values: Values,
    is_there: Vec<i16>,
}

enum Values {
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Flags(Vec<bool>),
    Texts(Vec<ByteArray>),
}

impl Column {
    fn new(column_type: ColumnType) -> Self {
        let values = match column_type {
            ColumnType::Integer => Values::Integers(Vec::new()),
            ColumnType::Number => Values::Numbers(Vec::new()),
            ColumnType::Flag => Values::Flags(Vec::new()),
            ColumnType::Text => Values::Texts(Vec::new()),
        };
        Self { values, is_there: Vec::new() }
    }

    /// Adds a field; `None` if it is not of the column's type.
    fn push(&mut self, field: &str) -> Option<()> {
        self.is_there.push(i16::from(!field.is_empty()));
        if field.is_empty() {
            return Some(());
        }
        match &mut self.values {
            Values::Integers(values) => values.push(field.parse().ok()?),
            Values::Numbers(values) => values.push(field.parse().ok()?),
            Values::Flags(values) => values.push(field.parse().ok()?),
            Values::Texts(values) => values.push(field.into()),
        }
        Some(())
    }

    fn schema(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, logical) = match self.values {
            Values::Integers(_) => (Physical::INT64, None),
            Values::Numbers(_) => (Physical::DOUBLE, None),
            Values::Flags(_) => (Physical::BOOLEAN, None),
            Values::Texts(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .build()
    }
}

fn write(names: &[String], columns: &[Column]) -> Result<Vec<u8>, ParquetError> {
    let fields = names.iter().zip(columns).map(|(name, column)| column.schema(name).map(Arc::new));
    let schema = Type::group_type_builder("table").with_fields(fields.collect::<Result<_, _>>()?);
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema.build()?), properties)?;
    let mut group = file.next_row_group()?;
    for column in columns {
        let Some(mut out) = group.next_column()? else { break };
        let there = Some(&column.is_there[..]);
        match (out.untyped(), &column.values) {
            (ColumnWriter::Int64ColumnWriter(out), Values::Integers(values)) => {
                out.write_batch(values, there, None)?;
            }
            (ColumnWriter::DoubleColumnWriter(out), Values::Numbers(values)) => {
                out.write_batch(values, there, None)?;
            }
            (ColumnWriter::BoolColumnWriter(out), Values::Flags(values)) => {
                out.write_batch(values, there, None)?;
            }
            (ColumnWriter::ByteArrayColumnWriter(out), Values::Texts(values)) => {
                out.write_batch(values, there, None)?;
            }
            _ => return Err(ParquetError::General("a column of another type".into())),
        }
        out.close()?;
    }
    group.close()?;
    file.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    use parquet::file::reader::{FileReader, SerializedFileReader};

    fn type_of(name: &str) -> ColumnType {
        match name {
            "frame" => ColumnType::Integer,
            "mean" => ColumnType::Number,
            "touching" => ColumnType::Flag,
            _ => ColumnType::Text,
        }
    }

    #[test]
    fn columns_come_back_with_their_types_and_gaps() {
        let csv = b"sample,frame,mean,touching\n\"a,b\",3,1.5,true\nc,,,false\n";
        let bytes = encode_parquet(csv, type_of).expect("fields of their types");
        let mut written = tempfile::tempfile().expect("a file");
        written.write_all(&bytes).expect("written");
        let file = SerializedFileReader::new(written).expect("a Parquet file");
        let rows: Vec<String> = file
            .get_row_iter(None)
            .expect("rows")
            .map(|row| row.expect("a row").to_string())
            .collect();
        let expected = [
            "{sample: \"a,b\", frame: 3, mean: 1.5, touching: true}",
            "{sample: \"c\", frame: null, mean: null, touching: false}",
        ];
        assert_eq!(rows, expected, "an empty field is null");
    }

    #[test]
    fn a_field_of_another_type_is_refused_by_its_column() {
        let error = encode_parquet(b"frame\n1.5\n", type_of).expect_err("no whole number");
        assert!(error.to_string().contains("column frame"), "{error}");
    }
}
