//! The statement as sqlparser reads it: its syntax, and rules that need the types of expressions.

mod types;
mod walk;

use sqlparser::{
    ast::{
        CastKind, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Query, SelectItem,
        SetExpr, Spanned, Statement as Tree,
    },
    dialect::RedshiftSqlDialect,
    parser::Parser,
};

use self::types::{Type, Types};
use super::{
    Finding, Rule,
    rules::rules,
    statement::Statement,
    vocabulary::{FUNCTIONS, LEADER_NODE_FUNCTIONS},
};

pub(super) const RULES: &[Rule] = rules! {
    syntax: "a parser of Redshift SQL does not take it";
    unread: "a construct that the rules cannot look into: extend them";
    unknown_function: "a function that is not on the list of those that Redshift has";
    avg_of_integer: "AVG of whole numbers is cut off to a whole number: AVG(CAST(x AS DOUBLE PRECISION))";
    integer_division: "whole numbers divide to a whole number here and to a fraction elsewhere: cast one, or the result to say that it is meant";
    sum_of_bigint: "SUM of BIGINT is NUMERIC(38, 0): cast it to BIGINT where it leaves the database";
    dateadd_integer: "DATEADD takes an INTEGER: cast";
};

/// Statements that sqlparser does not know, or whose grammar is checked here by other means.
const NOT_PARSED: [&str; 9] =
    ["COPY", "UNLOAD", "VACUUM", "ANALYZE", "LOCK", "CANCEL", "CALL", "ABORT", "REFRESH"];

pub(super) fn check(statement: &Statement<'_>) -> Vec<Finding> {
    let layout = ["DISTSTYLE", "DISTKEY", "SORTKEY", "COMPOUND", "ENCODE"];
    let alters_layout = statement.begins(&["ALTER", "TABLE"])
        && statement
            .find(&["ALTER"])
            .any(|index| statement.is_any(index + 1, &layout) || statement.is(index + 3, "ENCODE"));
    if statement.is_any(0, &NOT_PARSED) || alters_layout {
        return Vec::new();
    }
    let tree = match Parser::parse_sql(&RedshiftSqlDialect {}, &parseable(statement)) {
        Ok(mut trees) if trees.len() == 1 => trees.remove(0),
        Ok(trees) => {
            return vec![Finding::new("syntax", format!("{} statements were read", trees.len()), 0)];
        }
        Err(error) => return vec![Finding::new("syntax", error.to_string(), 0)],
    };
    let mut tree_check = TreeCheck { types: Types::of(&tree), found: Vec::new(), statement };
    walk::statement(&tree, &mut tree_check);
    if let Tree::Query(query) = &tree {
        tree_check.outermost(query);
    }
    tree_check.found
}

/// The statement without what Redshift has and sqlparser refuses.
fn parseable(statement: &Statement<'_>) -> String {
    let mut sql = statement.sql.to_owned();
    // From behind, so that the positions before stay right. Blanks keep the rest where it is.
    let mut blank = |from: usize, to: usize| sql.replace_range(from..to, &" ".repeat(to - from));
    let created = statement.created_table().is_some();
    let columns = statement.created_columns();
    for index in (0..statement.len()).rev() {
        let end =
            |index: usize| statement.tokens.get(index).map_or(statement.sql.len(), |t| t.at + t.text.len());
        let at = statement.at(index);
        let compound = created && statement.is(index, "COMPOUND") && statement.is(index + 1, "SORTKEY");
        let of_column = columns.is_some() && statement.outer(index) == columns;
        if compound || (of_column && is_column_layout(statement, index)) {
            blank(at, end(index));
        } else if created
            && (statement.is(index, "ENCODE") || statement.sequence(index, &["SORTKEY", "AUTO"]))
        {
            blank(at, end(index + 1));
        } else if statement.is(0, "MERGE") && statement.sequence(index, &["REMOVE", "DUPLICATES"]) {
            let whole = "WHEN MATCHED THEN DELETE";
            sql.replace_range(at..end(index + 1), whole);
            break;
        }
    }
    sql
}

/// DISTKEY and SORTKEY of a column, and the qualifier of an interval.
fn is_column_layout(statement: &Statement<'_>, index: usize) -> bool {
    let units = ["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"];
    let interval = statement.is_any(index, &units) && statement.is(index.saturating_sub(1), "INTERVAL");
    let until = statement.is_any(index, &units) && statement.is(index.saturating_sub(1), "TO");
    let to = statement.is(index, "TO") && statement.is(index.saturating_sub(2), "INTERVAL");
    statement.is_any(index, &["DISTKEY", "SORTKEY"]) || interval || until || to
}

struct TreeCheck<'a, 's> {
    types: Types,
    found: Vec<Finding>,
    statement: &'a Statement<'s>,
}

impl TreeCheck<'_, '_> {
    fn add(&mut self, rule: &'static str, expression: &Expr, message: String) {
        let start = expression.span().start;
        // Lines and columns count from 1, columns in characters; 0 is nowhere.
        let lines = self.statement.sql.split_inclusive('\n');
        let line_start: usize =
            lines.clone().take(usize_of(start.line).saturating_sub(1)).map(str::len).sum();
        let line = lines.clone().nth(usize_of(start.line).saturating_sub(1)).unwrap_or_default();
        let column: usize =
            line.chars().take(usize_of(start.column).saturating_sub(1)).map(char::len_utf8).sum();
        let finding = Finding::new(rule, message, line_start + column);
        if !self.found.contains(&finding) {
            self.found.push(finding);
        }
    }

    fn function(&mut self, expression: &Expr, function: &Function) {
        let text = function.to_string();
        let name = function.name.0.last().map_or_else(String::new, |part| part.to_string().to_lowercase());
        // Those are fine without tables, which another rule sees to.
        let on_leader = LEADER_NODE_FUNCTIONS.iter().any(|(known, _)| *known == name);
        if !FUNCTIONS.contain(&name) && !on_leader {
            self.add("unknown_function", expression, format!("is there a function {name}?"));
        }
        if name == "avg"
            && !arguments(function).iter().all(|argument| self.types.of_expression(argument).is_fraction())
        {
            self.add(
                "avg_of_integer",
                expression,
                format!("cast the argument of {text} to DOUBLE PRECISION"),
            );
        }
        if matches!(name.as_str(), "dateadd" | "date_add")
            && let Some(amount) = arguments(function).get(1)
            && self.types.of_expression(amount) != Type::Integer
        {
            self.add("dateadd_integer", expression, format!("cast {amount} to INTEGER"));
        }
    }

    /// What leaves the database.
    fn outermost(&mut self, query: &Query) {
        for item in projections(&query.body) {
            let (SelectItem::UnnamedExpr(expression) | SelectItem::ExprWithAlias { expr: expression, .. }) =
                item
            else {
                continue;
            };
            if self.types.of_expression(expression) == Type::SumOfBigint {
                self.add("sum_of_bigint", expression, format!("write CAST({expression} AS BIGINT)"));
            }
        }
    }
}

impl walk::Visitor for TreeCheck<'_, '_> {
    fn expression(&mut self, expression: &Expr) {
        match expression {
            Expr::Function(function) => self.function(expression, function),
            Expr::BinaryOp { .. } if self.types.is_integer_division(expression) => {
                self.add(
                    "integer_division",
                    expression,
                    format!("cast a side of {expression}, or the result"),
                );
            }
            _ => {}
        }
    }

    fn unread(&mut self, what: &str) {
        self.found.push(Finding::new("unread", format!("no rule looks into {what}"), 0));
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn projections(body: &SetExpr) -> Vec<&SelectItem> {
    match body {
        SetExpr::Select(select) => select.projection.iter().collect(),
        SetExpr::Query(query) => projections(&query.body),
        SetExpr::SetOperation { left, right, .. } => [projections(left), projections(right)].concat(),
        _ => Vec::new(),
    }
}

/// The expressions in the parentheses of a call.
fn arguments(function: &Function) -> Vec<&Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    list.args
        .iter()
        .filter_map(|argument| match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) => Some(expression),
            _ => None,
        })
        .collect()
}

/// Whether it is a cast that Redshift has.
const fn is_cast(kind: &CastKind) -> bool {
    matches!(kind, CastKind::Cast | CastKind::DoubleColon | CastKind::TryCast)
}
