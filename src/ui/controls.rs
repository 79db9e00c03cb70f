//! The state of the stream, always in sight, and what a viewer can set: pause, theme.

use super::live::{self, ControlState, Theme, Wish};
use leptos::prelude::*;

type State = ArcRwSignal<ControlState>;
/// Every reactive text of the island has this one type: each further type would be code in the wasm.
type Text = Box<dyn Fn() -> String + Send + Sync>;

#[island]
pub fn Controls() -> impl IntoView {
    live::controls().map(|state| {
        view! {
            <div class="controls">
                <StreamState state=state.clone() />
                <PauseButton state=state.clone() />
                <ThemeSwitch state />
            </div>
        }
    })
}

fn follow(state: &State, say: impl Fn(&ControlState) -> String + Send + Sync + 'static) -> Text {
    let state = state.clone();
    Box::new(move || state.with(|state| say(state)))
}

/// What a click asks for.
fn wish(wish: Wish) -> Box<dyn FnMut(leptos::ev::MouseEvent)> {
    Box::new(move |event| {
        event.prevent_default();
        live::grant(wish);
    })
}

fn yes_or_no(yes: bool) -> String {
    if yes { "true" } else { "false" }.to_owned()
}

/// One word for how the page hangs on the server, spoken when it changes; what counts down beside it is not.
#[component]
fn StreamState(state: State) -> impl IntoView {
    view! {
        <div class="stream" data-stream=follow(&state, |state| state.id().to_owned())>
            <span class="lamp" aria-hidden="true"></span>
            <span class="word" role="status">{follow(&state, ControlState::word)}</span>
            <span class="note" aria-hidden="true">{follow(&state, ControlState::note)}</span>
            <a class="reload" href="" data-shown=follow(&state, |state| yes_or_no(state.outdated))>"New version: reload"</a>
        </div>
    }
}

#[component]
fn PauseButton(state: State) -> impl IntoView {
    view! {
        <button
            class="pause script-only"
            type="button"
            data-key="p"
            data-shown=follow(&state, |state| yes_or_no(!state.is_past))
            on:click=wish(Wish::TogglePause)
        >
            {follow(&state, |state| if state.paused { "Resume" } else { "Pause" }.to_owned())}
        </button>
    }
}

#[component]
fn ThemeSwitch(state: State) -> impl IntoView {
    let buttons = Theme::ALL
        .into_iter()
        .map(|theme| {
            let pressed = follow(&state, move |state| yes_or_no(state.theme == theme));
            view! {
                <button type="button" aria-pressed=pressed on:click=wish(Wish::Theme(theme))>
                    {theme.title()}
                </button>
            }
        })
        .collect_view();
    view! {
        <fieldset class="switch theme script-only">
            <legend class="visually-hidden">"Theme"</legend>
            {buttons}
        </fieldset>
    }
}
