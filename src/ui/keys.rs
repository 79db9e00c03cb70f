//! The sheet that lists the keys. It opens without script; `data-key` elsewhere says what a key does.

use super::live::parts;
use leptos::prelude::*;

const KEYS: [(&[&str], &str); 10] = [
    (&["?"], "this sheet, open and closed"),
    (&["o", "t"], "overview, processes"),
    (&["1", "…", "9", "0"], "last minute … last year"),
    (&["h", "l", "i", "u"], "earlier, later, in, out"),
    (&["v", "p"], "live, pause"),
    (&["j", "k"], "the next chart, the one before"),
    (&["←", "→"], "on a chart: an instant earlier, later; with Shift, ten"),
    (&["Home", "End"], "on a chart: the first instant, the newest"),
    (&["Esc"], "let go of the instant, close this sheet"),
    (&["/"], "find processes"),
];

#[component]
pub fn KeySheet(
    /// Whether keys of one letter do something: whoever speaks to the page may not want them to.
    wanted: bool,
) -> impl IntoView {
    let rows = KEYS
        .into_iter()
        .map(|(keys, what)| {
            let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view();
            view! { <div><dt>{keys}</dt><dd>{what}</dd></div> }
        })
        .collect_view();
    view! {
        <div id="keys" class="sheet" popover="auto" role="dialog" aria-labelledby="keys-title">
            <h2 id="keys-title">"Keys"</h2>
            <dl>{rows}</dl>
            <label class="script-only">
                <input type="checkbox" id=parts::KEYS_WANTED checked=wanted />
                " Single letters and signs are keys"
            </label>
            <button type="button" popovertarget="keys" popovertargetaction="hide">"Close"</button>
        </div>
    }
}
