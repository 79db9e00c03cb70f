//! The page of processes: who runs on this machine, the heaviest first.

use super::board::Board;
use super::live::parts;
use super::tile::Headlines;
use crate::chart::Scene;
use crate::chart::processes::{COLUMNS, ProcessText, rows};
use crate::model::{ProcessOrder, ProcessTable, address};
use leptos::prelude::*;
use std::sync::Arc;

/// What of the table is shown, as the address asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub order: ProcessOrder,
    pub search: String,
    pub limit: usize,
}

/// So many rows where the address does not say.
const USUAL_LIMIT: usize = 100;
const GREATEST_LIMIT: usize = 1_000;
const LONGEST_SEARCH: usize = 100;

impl Selection {
    /// What is not understood is as usual: a page is no place for errors.
    pub fn parse(order: Option<&str>, search: Option<&str>, limit: Option<&str>) -> Self {
        Self {
            order: order.and_then(|order| order.parse().ok()).unwrap_or_default(),
            search: search.unwrap_or_default().trim().chars().take(LONGEST_SEARCH).collect(),
            limit: limit.and_then(|limit| limit.parse().ok()).unwrap_or(USUAL_LIMIT).clamp(1, GREATEST_LIMIT),
        }
    }

    /// The beginning of an address that selects the same.
    pub fn query(&self) -> String {
        self.sorted_by(self.order)
    }

    fn sorted_by(&self, order: ProcessOrder) -> String {
        let mut query = format!("sort={}&", order.id());
        if !self.search.is_empty() {
            query.push_str(&format!("search={}&", address::encoded(&self.search)));
        }
        if self.limit != USUAL_LIMIT {
            query.push_str(&format!("limit={}&", self.limit));
        }
        query
    }
}

#[component]
pub fn Processes(table: Arc<ProcessTable>, selection: Selection, scene: Arc<Scene>) -> impl IntoView {
    let (rows, summary) = rows(&table, selection.order, &selection.search, selection.limit, scene.offset_minutes);
    let rows = rows.into_iter().map(|row| view! { <Row row /> }).collect_view();
    let order = selection.order;
    let heads = COLUMNS
        .into_iter()
        .map(|(title, by)| {
            let sorted = (by == Some(order)).then_some("descending");
            view! { <th scope="col" aria-sort=sorted>{title}</th> }
        })
        .collect_view();
    let orders = ProcessOrder::ALL
        .into_iter()
        .map(|other| {
            let address = format!("?{}", selection.sorted_by(other));
            let current = (other == order).then_some("true");
            view! { <a href=address aria-current=current data-part=parts::SORT>{title(other)}</a> }
        })
        .collect_view();
    let limit = (selection.limit != USUAL_LIMIT)
        .then(|| view! { <input type="hidden" name="limit" value=selection.limit.to_string() /> });
    let search = selection.search;
    view! {
        <Board>
            <Headlines scene is_brief=true />
            <section class="processes" aria-labelledby="processes-title">
                <h2 id="processes-title">"Processes"</h2>
                <div class="tools">
                    <form role="search" action="processes">
                        <input type="hidden" name="sort" value=order.id() />
                        {limit}
                        <label for=parts::SEARCH>"Find"</label>
                        <input
                            type="search" id=parts::SEARCH name=parts::SEARCH value=search maxlength="100" data-key="/"
                            autocomplete="off" spellcheck="false" placeholder="name, user or PID"
                        />
                    </form>
                    <nav class="switch" aria-label="Sort by">{orders}</nav>
                    <p data-part=parts::COUNT>{summary}</p>
                </div>
                <div class="scroll" tabindex="0" role="region" aria-label="Table of processes">
                    <table id=parts::PROCESSES data-order=order.id()>
                        <thead>
                            <tr>
                                <th scope="col">"Name"</th>
                                {heads}
                            </tr>
                        </thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </section>
        </Board>
    }
}

#[component]
fn Row(row: ProcessText) -> impl IntoView {
    let is_empty = row.is_empty();
    let cells = row.cells.into_iter().map(|cell| view! { <td data-part=parts::VALUE>{cell}</td> }).collect_view();
    view! {
        <tr data-part=parts::PROCESS data-empty=is_empty.to_string()>
            <th scope="row">
                <span data-part=parts::NAME>{row.name}</span>
                <span class="arguments" data-part=parts::ARGUMENTS>{row.arguments}</span>
            </th>
            {cells}
        </tr>
    }
}

const fn title(order: ProcessOrder) -> &'static str {
    match order {
        ProcessOrder::Cpu => "CPU",
        ProcessOrder::Memory => "Memory",
        ProcessOrder::Io => "I/O",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_survives_an_address() {
        for (order, search, limit, query) in [
            (None, None, None, "sort=cpu&"),
            (Some("memory"), Some(" nginx "), Some("50"), "sort=memory&search=nginx&limit=50&"),
            (Some("io"), Some("a b&c=d+é"), Some("100"), "sort=io&search=a%20b%26c%3Dd%2B%C3%A9&"),
            (Some("<b>"), Some(""), Some("0"), "sort=cpu&limit=1&"),
            (None, None, Some("many"), "sort=cpu&"),
        ] {
            assert_eq!(Selection::parse(order, search, limit).query(), query);
        }
    }
}
