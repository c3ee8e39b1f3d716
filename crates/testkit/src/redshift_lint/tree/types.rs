//! The types of expressions, as far as a text shows them.
//!
//! A column has the type that the model gives to columns of its name, or that of the expression it is an
//! alias of. What is not known counts as a whole number where that would be a fault.

use std::collections::{HashMap, HashSet};

use sparkify_schema::model::{DataType, RunTables, tables};
use sqlparser::ast::{BinaryOperator, Expr, Function, Query, Select, SelectItem, Statement, Value};

use super::{arguments, is_cast, walk};

/// The type of an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Integer,
    BigInt,
    /// What SUM makes of BIGINT, and what is computed from it.
    SumOfBigint,
    /// DECIMAL with a scale, or a float.
    Fraction,
    Other,
    Unknown,
}

impl Type {
    pub(super) const fn is_fraction(self) -> bool {
        matches!(self, Self::Fraction)
    }

    const fn may_be_whole(self) -> bool {
        matches!(self, Self::Integer | Self::BigInt | Self::SumOfBigint | Self::Unknown)
    }

    /// The type of arithmetic on two.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Fraction, _) | (_, Self::Fraction) => Self::Fraction,
            (Self::Other, _) | (_, Self::Other) => Self::Other,
            (Self::SumOfBigint, _) | (_, Self::SumOfBigint) => Self::SumOfBigint,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::BigInt, _) | (_, Self::BigInt) => Self::BigInt,
            (Self::Integer, Self::Integer) => Self::Integer,
        }
    }

    fn of_model(data_type: DataType) -> Self {
        match data_type {
            DataType::Integer => Self::Integer,
            DataType::BigInt => Self::BigInt,
            DataType::Double => Self::Fraction,
            DataType::Varchar { .. } | DataType::Timestamp => Self::Other,
        }
    }

    fn of_name(data_type: &sqlparser::ast::DataType) -> Self {
        let name = data_type.to_string().to_uppercase();
        let word = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        match word {
            "INT" | "INTEGER" | "INT4" | "SMALLINT" | "INT2" => Self::Integer,
            "BIGINT" | "INT8" => Self::BigInt,
            "DOUBLE" | "FLOAT" | "FLOAT8" | "FLOAT4" | "REAL" | "DECIMAL" | "NUMERIC" | "DEC" => {
                Self::Fraction
            }
            _ => Self::Other,
        }
    }
}

/// The types of the names of a statement.
#[derive(Debug, Default)]
pub(super) struct Types {
    columns: HashMap<String, Type>,
    /// Divisions whose result is cast to a whole number at once.
    intended: HashSet<String>,
}

impl Types {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut types = Self::default();
        for table in tables().into_iter().cloned().chain(RunTables::all()) {
            for column in table.columns {
                types.meet(column.name, Type::of_model(column.data_type));
            }
        }
        let mut collect = Collect::default();
        walk::statement(statement, &mut collect);
        types.intended = collect.intended;
        // An alias may be of an expression of other aliases: the innermost query is the last visited.
        for (name, expression) in collect.aliases.iter().rev() {
            let own = matches!(expression, Expr::Identifier(identifier) if identifier.value == *name)
                || matches!(expression, Expr::CompoundIdentifier(parts) if parts.last().is_some_and(|part| part.value == *name));
            if !own {
                let found = types.of_expression(expression);
                types.meet(name, found);
            }
        }
        types
    }

    /// A name that has two types has none that is known, except that any whole number may be the larger.
    fn meet(&mut self, name: &str, found: Type) {
        let entry = self.columns.entry(name.to_lowercase()).or_insert(found);
        *entry = match (*entry, found) {
            (one, other) if one == other => one,
            (Type::Integer | Type::BigInt, Type::Integer | Type::BigInt) => Type::BigInt,
            _ => Type::Unknown,
        };
    }

    pub(super) fn of_expression(&self, expression: &Expr) -> Type {
        match expression {
            Expr::Identifier(name) => self.of_column(&name.value),
            Expr::CompoundIdentifier(names) => {
                names.last().map_or(Type::Unknown, |name| self.of_column(&name.value))
            }
            Expr::Nested(inner) | Expr::UnaryOp { expr: inner, .. } => self.of_expression(inner),
            Expr::Cast { kind, data_type, .. } if is_cast(kind) => Type::of_name(data_type),
            Expr::Value(value) => match &value.value {
                Value::Number(number, _) if number.contains(['.', 'e', 'E']) => Type::Fraction,
                Value::Number(number, _) if number.parse::<i32>().is_ok() => Type::Integer,
                Value::Number(..) => Type::BigInt,
                _ => Type::Other,
            },
            Expr::BinaryOp {
                left,
                op:
                    BinaryOperator::Plus
                    | BinaryOperator::Minus
                    | BinaryOperator::Multiply
                    | BinaryOperator::Divide
                    | BinaryOperator::Modulo,
                right,
            } => self.of_expression(left).with(self.of_expression(right)),
            Expr::Case { conditions, else_result, .. } => {
                let results = conditions.iter().map(|when| &when.result).chain(else_result.as_deref());
                let results: Vec<_> = results.filter(|result| !is_null(result)).collect();
                results
                    .iter()
                    .map(|result| self.of_expression(result))
                    .reduce(Type::with)
                    .unwrap_or(Type::Other)
            }
            Expr::Extract { .. } => Type::Integer,
            Expr::Ceil { expr, .. } | Expr::Floor { expr, .. } => self.of_expression(expr),
            Expr::Subquery(query) => self.of_query(query),
            Expr::Function(function) => self.of_function(function),
            Expr::Interval(_) | Expr::TypedString(_) | Expr::Substring { .. } | Expr::Trim { .. } => {
                Type::Other
            }
            _ => Type::Other,
        }
    }

    fn of_column(&self, name: &str) -> Type {
        self.columns.get(&name.to_lowercase()).copied().unwrap_or(Type::Unknown)
    }

    fn of_query(&self, query: &Query) -> Type {
        match super::projections(&query.body).as_slice() {
            [
                SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. },
                ..,
            ] => self.of_expression(expression),
            _ => Type::Unknown,
        }
    }

    fn of_function(&self, function: &Function) -> Type {
        let name = function.name.to_string().to_lowercase();
        let arguments = arguments(function);
        let all = || {
            let known = arguments.iter().filter(|argument| !is_null(argument));
            known.map(|argument| self.of_expression(argument)).reduce(Type::with).unwrap_or(Type::Unknown)
        };
        match name.as_str() {
            "count" | "row_number" | "rank" | "dense_rank" | "datediff" | "date_diff" => Type::BigInt,
            "length" | "len" | "octet_length" | "char_length" | "strpos" | "ntile" => Type::Integer,
            "sum" => match all() {
                Type::Integer => Type::BigInt,
                Type::BigInt | Type::Unknown => Type::SumOfBigint,
                other => other,
            },
            // Of whole numbers it is a finding anyway.
            "avg" => all(),
            "min" | "max" | "coalesce" | "nvl" | "nullif" | "greatest" | "least" | "abs" | "round"
            | "trunc" | "mod" | "lag" | "lead" | "first_value" | "last_value" | "median" | "any_value"
            | "ceil" | "ceiling" | "floor" => {
                match arguments.as_slice() {
                    // The second argument of these is a number of digits or rows.
                    [first, ..] if matches!(name.as_str(), "round" | "trunc" | "lag" | "lead" | "nullif") => {
                        self.of_expression(first)
                    }
                    _ => all(),
                }
            }
            "sqrt" | "exp" | "ln" | "log" | "power" | "random" | "percentile_cont" | "date_part"
            | "cume_dist" | "percent_rank" | "ratio_to_report" | "stddev" | "stddev_pop" | "stddev_samp" => {
                Type::Fraction
            }
            _ => Type::Other,
        }
    }

    /// Whether it divides what may be two whole numbers, and nothing says that it is meant.
    pub(super) fn is_integer_division(&self, expression: &Expr) -> bool {
        matches!(expression, Expr::BinaryOp { left, op: BinaryOperator::Divide, right }
            if self.of_expression(left).may_be_whole() && self.of_expression(right).may_be_whole())
            && !self.intended.contains(&expression.to_string())
    }
}

fn is_null(expression: &Expr) -> bool {
    matches!(expression, Expr::Value(value) if value.value == Value::Null)
}

/// Gathers aliases and divisions under a cast.
#[derive(Default)]
struct Collect {
    aliases: Vec<(String, Expr)>,
    intended: HashSet<String>,
}

impl walk::Visitor for Collect {
    fn select(&mut self, select: &Select) {
        for item in &select.projection {
            if let SelectItem::ExprWithAlias { expr, alias } = item {
                self.aliases.push((alias.value.clone(), expr.clone()));
            }
        }
    }

    fn expression(&mut self, expression: &Expr) {
        if let Expr::Cast { kind, expr, data_type, .. } = expression
            && is_cast(kind)
            && matches!(Type::of_name(data_type), Type::Integer | Type::BigInt)
        {
            let mut inner = expr.as_ref();
            while let Expr::Nested(nested) = inner {
                inner = nested;
            }
            self.intended.insert(inner.to_string());
        }
    }
}
