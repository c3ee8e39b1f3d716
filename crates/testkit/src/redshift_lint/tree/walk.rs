//! Every expression of a statement.
//!
//! What is not looked into is reported, so that nothing escapes the rules unseen.

use sqlparser::ast::{
    Expr, FromTable, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    GroupByExpr, InTarget, Join, JoinConstraint, JoinOperator, LimitClause, MergeAction, MergeInsertKind,
    MergeUpdateKind, OrderByExpr, OrderByKind, Query, Select, SelectItem, SetExpr, Statement, TableFactor,
    TableWithJoins, UpdateTableFromKind, WindowType,
};

/// What is to be done with what is found.
pub(super) trait Visitor {
    /// A SELECT, before its expressions.
    fn select(&mut self, _select: &Select) {}

    /// An expression, before those within it.
    fn expression(&mut self, expression: &Expr);

    /// A construct that is not looked into.
    fn unread(&mut self, _what: &str) {}
}

pub(super) fn statement(tree: &Statement, visitor: &mut dyn Visitor) {
    match tree {
        Statement::Query(tree) => query(tree, visitor),
        Statement::Insert(tree) => {
            if let Some(source) = &tree.source {
                query(source, visitor);
            }
        }
        Statement::Update(tree) => {
            tables(std::slice::from_ref(&tree.table), visitor);
            for assignment in &tree.assignments {
                expression(&assignment.value, visitor);
            }
            if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) =
                &tree.from
            {
                tables(from, visitor);
            }
            expressions(&tree.selection, visitor);
        }
        Statement::Delete(tree) => {
            let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &tree.from;
            tables(from, visitor);
            tables(tree.using.as_deref().unwrap_or_default(), visitor);
            expressions(&tree.selection, visitor);
        }
        Statement::Merge(tree) => {
            factor(&tree.source, visitor);
            expression(&tree.on, visitor);
            for clause in &tree.clauses {
                expressions(&clause.predicate, visitor);
                match &clause.action {
                    MergeAction::Insert(insert) => {
                        if let MergeInsertKind::Values(values) = &insert.kind {
                            expressions(values.rows.iter().flat_map(|row| &row.content), visitor);
                        }
                    }
                    MergeAction::Update(update) => {
                        if let MergeUpdateKind::Set(assignments) = &update.kind {
                            expressions(assignments.iter().map(|assignment| &assignment.value), visitor);
                        }
                    }
                    _ => {}
                }
            }
        }
        Statement::CreateTable(tree) => {
            if let Some(source) = &tree.query {
                query(source, visitor);
            }
        }
        Statement::CreateView(tree) => query(&tree.query, visitor),
        Statement::Explain { statement: explained, .. } => statement(explained, visitor),
        // The others have no expressions of ours.
        _ => {}
    }
}

fn query(tree: &Query, visitor: &mut dyn Visitor) {
    for table in tree.with.iter().flat_map(|with| &with.cte_tables) {
        query(&table.query, visitor);
    }
    set(&tree.body, visitor);
    if let Some(OrderByKind::Expressions(order)) = tree.order_by.as_ref().map(|order| &order.kind) {
        ordered(order, visitor);
    }
    if let Some(LimitClause::LimitOffset { limit, offset, .. }) = &tree.limit_clause {
        expressions(limit, visitor);
        expressions(offset.iter().map(|offset| &offset.value), visitor);
    }
}

fn set(tree: &SetExpr, visitor: &mut dyn Visitor) {
    match tree {
        SetExpr::Select(tree) => select(tree, visitor),
        SetExpr::Query(tree) => query(tree, visitor),
        SetExpr::SetOperation { left, right, .. } => {
            set(left, visitor);
            set(right, visitor);
        }
        SetExpr::Values(values) => expressions(values.rows.iter().flat_map(|row| &row.content), visitor),
        SetExpr::Insert(tree) | SetExpr::Update(tree) | SetExpr::Delete(tree) | SetExpr::Merge(tree) => {
            statement(tree, visitor);
        }
        SetExpr::Table(table) => visitor.unread(&table.to_string()),
    }
}

fn select(tree: &Select, visitor: &mut dyn Visitor) {
    visitor.select(tree);
    for item in &tree.projection {
        match item {
            SelectItem::UnnamedExpr(item) | SelectItem::ExprWithAlias { expr: item, .. } => {
                expression(item, visitor);
            }
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {}
            other => visitor.unread(&other.to_string()),
        }
    }
    tables(&tree.from, visitor);
    expressions(&tree.selection, visitor);
    if let GroupByExpr::Expressions(grouped, _) = &tree.group_by {
        expressions(grouped, visitor);
    }
    expressions(&tree.having, visitor);
    expressions(&tree.qualify, visitor);
}

fn tables(from: &[TableWithJoins], visitor: &mut dyn Visitor) {
    for table in from {
        factor(&table.relation, visitor);
        for join in &table.joins {
            factor(&join.relation, visitor);
            condition(join, visitor);
        }
    }
}

fn condition(join: &Join, visitor: &mut dyn Visitor) {
    use JoinOperator as J;
    match &join.join_operator {
        J::Join(constraint)
        | J::Inner(constraint)
        | J::Left(constraint)
        | J::LeftOuter(constraint)
        | J::Right(constraint)
        | J::RightOuter(constraint)
        | J::FullOuter(constraint)
        | J::CrossJoin(constraint) => {
            if let JoinConstraint::On(on) = constraint {
                expression(on, visitor);
            }
        }
        other => visitor.unread(&format!("{other:?}")),
    }
}

fn factor(tree: &TableFactor, visitor: &mut dyn Visitor) {
    match tree {
        TableFactor::Table { args: None, .. } => {}
        TableFactor::Table { args: Some(arguments), .. } => function_arguments(&arguments.args, visitor),
        TableFactor::Derived { subquery, .. } => query(subquery, visitor),
        TableFactor::NestedJoin { table_with_joins, .. } => {
            tables(std::slice::from_ref(table_with_joins.as_ref()), visitor);
        }
        other => visitor.unread(&other.to_string()),
    }
}

fn expressions<'a>(trees: impl IntoIterator<Item = &'a Expr>, visitor: &mut dyn Visitor) {
    for tree in trees {
        expression(tree, visitor);
    }
}

fn ordered(order: &[OrderByExpr], visitor: &mut dyn Visitor) {
    expressions(order.iter().map(|order| &order.expr), visitor);
}

fn expression(tree: &Expr, visitor: &mut dyn Visitor) {
    visitor.expression(tree);
    match tree {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_) | Expr::TypedString(_) => {}
        Expr::IsFalse(inner)
        | Expr::IsNotFalse(inner)
        | Expr::IsTrue(inner)
        | Expr::IsNotTrue(inner)
        | Expr::IsNull(inner)
        | Expr::IsNotNull(inner)
        | Expr::IsUnknown(inner)
        | Expr::IsNotUnknown(inner)
        | Expr::Nested(inner)
        | Expr::UnaryOp { expr: inner, .. }
        | Expr::Cast { expr: inner, .. }
        | Expr::Extract { expr: inner, .. }
        | Expr::Ceil { expr: inner, .. }
        | Expr::Floor { expr: inner, .. }
        | Expr::Collate { expr: inner, .. } => expression(inner, visitor),
        Expr::BinaryOp { left, right, .. }
        | Expr::AnyOp { left, right, .. }
        | Expr::AllOp { left, right, .. }
        | Expr::IsDistinctFrom(left, right)
        | Expr::IsNotDistinctFrom(left, right)
        | Expr::AtTimeZone { timestamp: left, time_zone: right }
        | Expr::Position { expr: left, r#in: right } => expressions([left.as_ref(), right.as_ref()], visitor),
        Expr::Like { expr, pattern, .. }
        | Expr::ILike { expr, pattern, .. }
        | Expr::SimilarTo { expr, pattern, .. } => expressions([expr.as_ref(), pattern.as_ref()], visitor),
        Expr::In { expr, target, .. } => {
            expression(expr, visitor);
            match target {
                InTarget::List(list) => expressions(list, visitor),
                InTarget::Subquery(subquery) => query(subquery, visitor),
                _ => visitor.unread(&tree.to_string()),
            }
        }
        Expr::Between { expr, low, high, .. } => {
            expressions([expr.as_ref(), low.as_ref(), high.as_ref()], visitor);
        }
        Expr::Substring { expr, substring_from, substring_for, .. } => {
            expression(expr, visitor);
            expressions(substring_from.iter().chain(substring_for).map(AsRef::as_ref), visitor);
        }
        Expr::Trim { expr, trim_what, .. } => {
            expression(expr, visitor);
            expressions(trim_what.iter().map(AsRef::as_ref), visitor);
        }
        Expr::Interval(interval) => expression(&interval.value, visitor),
        Expr::Function(tree) => function(tree, visitor),
        Expr::Case { operand, conditions, else_result, .. } => {
            expressions(operand.iter().chain(else_result).map(AsRef::as_ref), visitor);
            for when in conditions {
                expressions([&when.condition, &when.result], visitor);
            }
        }
        Expr::Exists { subquery, .. } | Expr::Subquery(subquery) => query(subquery, visitor),
        Expr::GroupingSets(sets) | Expr::Cube(sets) | Expr::Rollup(sets) => {
            expressions(sets.iter().flatten(), visitor);
        }
        Expr::Tuple(list) => expressions(list, visitor),
        other => visitor.unread(&other.to_string()),
    }
}

fn function(tree: &Function, visitor: &mut dyn Visitor) {
    match &tree.args {
        FunctionArguments::None => {}
        FunctionArguments::Subquery(subquery) => query(subquery, visitor),
        FunctionArguments::List(list) => {
            function_arguments(&list.args, visitor);
            for clause in &list.clauses {
                match clause {
                    FunctionArgumentClause::OrderBy(order) => ordered(order, visitor),
                    FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
                    other => visitor.unread(&other.to_string()),
                }
            }
        }
    }
    ordered(&tree.within_group, visitor);
    expressions(tree.filter.iter().map(AsRef::as_ref), visitor);
    if let Some(WindowType::WindowSpec(window)) = &tree.over {
        expressions(&window.partition_by, visitor);
        ordered(&window.order_by, visitor);
    }
}

fn function_arguments(arguments: &[FunctionArg], visitor: &mut dyn Visitor) {
    for argument in arguments {
        match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => expression(argument, visitor),
            FunctionArg::Unnamed(_) => {}
            other => visitor.unread(&other.to_string()),
        }
    }
}
