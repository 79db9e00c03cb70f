//! The state of the stream, always in sight, and what a viewer can set: window, pause, theme.

use super::live::{self, Live, Theme};
use crate::chart::Window;
use crate::model::Link;
use leptos::prelude::*;

#[island]
pub fn Controls() -> impl IntoView {
    live::current().map(|live| {
        view! {
            <div class="controls">
                <StreamState live=live.clone() />
                <WindowSwitch live=live.clone() />
                <PauseButton live=live.clone() />
                <ThemeSwitch live />
            </div>
        }
    })
}

/// Paused, outdated or how the page hangs on the server: one word, spoken when it changes; what counts
/// down beside it is not.
#[component]
fn StreamState(live: Live) -> impl IntoView {
    let state = {
        let live = live.clone();
        Memo::new(move |_| if live.paused.get() { "paused" } else { live.link.get().id() })
    };
    let word = {
        let live = live.clone();
        Memo::new(move |_| {
            let shown = || live.shown.get().map(|t| live.clock(t)).unwrap_or_default();
            match live.link.get() {
                _ if live.paused.get() => "Paused",
                Link::Snapshot => return format!("Snapshot of {}", shown()),
                Link::Connecting => "Connecting",
                Link::Live => "Live",
                Link::Reconnecting { .. } => "Reconnecting",
                Link::Stale { since } => return format!("Stale since {}", live.clock(since)),
                Link::Stopping { .. } => "Server stopping",
            }
            .to_owned()
        })
    };
    let note = {
        let live = live.clone();
        move || match live.link.get() {
            Link::Reconnecting { attempt, seconds: 0 } => format!("try {attempt}, now"),
            Link::Reconnecting { attempt, seconds } => format!("try {attempt} in {seconds} s"),
            Link::Stopping { seconds } => format!("back in {seconds} s"),
            _ => String::new(),
        }
    };
    let outdated = live.outdated.clone();
    view! {
        <div class="stream" data-stream=move || state.get()>
            <span class="lamp" aria-hidden="true"></span>
            <span class="word" role="status">{move || word.get()}</span>
            <span class="note" aria-hidden="true">{note}</span>
            <a class="reload" href="" hidden=move || !outdated.get()>"New version: reload"</a>
        </div>
    }
}

#[component]
fn WindowSwitch(live: Live) -> impl IntoView {
    view! {
        <nav class="switch" aria-label="Time window">
            {Window::ALL
                .into_iter()
                .map(|window| {
                    let current = live.window.clone();
                    let chosen = live.window.clone();
                    view! {
                        <a
                            href=format!("?window={}", window.id())
                            aria-current=move || (current.get() == window).then_some("true")
                            on:click=move |event| {
                                event.prevent_default();
                                chosen.set(window);
                            }
                        >
                            {title(window)}
                        </a>
                    }
                })
                .collect_view()}
        </nav>
    }
}

fn title(window: Window) -> &'static str {
    match window {
        Window::One => "1 min",
        Window::Five => "5 min",
        Window::Ten => "10 min",
    }
}

#[component]
fn PauseButton(live: Live) -> impl IntoView {
    let paused = live.paused.clone();
    view! {
        <button class="pause script-only" type="button" on:click=move |_| live.toggle_pause()>
            {move || if paused.get() { "Resume" } else { "Pause" }}
        </button>
    }
}

#[component]
fn ThemeSwitch(live: Live) -> impl IntoView {
    view! {
        <fieldset class="switch theme script-only">
            <legend class="visually-hidden">"Theme"</legend>
            {Theme::ALL
                .into_iter()
                .map(|theme| {
                    let current = live.theme.clone();
                    let chosen = live.theme.clone();
                    view! {
                        <button
                            type="button"
                            aria-pressed=move || if current.get() == theme { "true" } else { "false" }
                            on:click=move |_| chosen.set(theme)
                        >
                            {theme.title()}
                        </button>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}
