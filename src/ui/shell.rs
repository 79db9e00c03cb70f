//! The document around what lives: head, header, landmarks, footer. Never hydrated, so it costs no wasm.

use super::controls::Controls;
use super::keys::KeySheet;
use super::live::{PageState, STATE_ELEMENT, ZONE_ELEMENT};
use crate::model::{HostFacts, Unit, UnixMs, units};
use leptos::config::LeptosOptions;
use leptos::either::Either;
use leptos::nonce::use_nonce;
use leptos::prelude::*;
use std::sync::Arc;

/// Where the page's own files are; `None` for a server that was built without them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    pub css: Option<Style>,
    pub js: Option<String>,
    pub wasm: Option<String>,
}

/// The style sheet: in the page itself, or, while it is being worked on, beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Style {
    Inside {
        whole: &'static str,
        /// Without the layer that only the page of processes needs.
        of_charts: Arc<str>,
    },
    Beside(String),
}

impl Style {
    pub fn inside(whole: &'static str) -> Self {
        Self::Inside { whole, of_charts: without_layer(whole, "processes").into() }
    }
}

/// A style sheet without one of its layers.
fn without_layer(sheet: &str, layer: &str) -> String {
    let begins = format!("@layer {layer}{{");
    let Some((before, inside)) = sheet.split_once(&begins) else { return sheet.to_owned() };
    let mut depth = 1;
    let end = inside.find(|c| {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        depth == 0
    });
    let after = end.and_then(|end| inside.get(end + 1..)).unwrap_or_default();
    format!("{before}{after}")
}

#[component]
pub fn Shell(
    page: Arc<PageState>,
    host: Arc<HostFacts>,
    /// Whether anybody who reaches the port may look.
    open_to_all: bool,
    view: View,
    /// Whether keys of one letter do something.
    keys_wanted: bool,
    links: Links,
    now: UnixMs,
    /// Present under `cargo leptos watch`.
    watch: Option<LeptosOptions>,
    children: Children,
) -> impl IntoView {
    let state = state_json(&page);
    // Without script a page is loaded anew when there is something new to see; a stretch of the past never.
    let refresh = match page.past {
        None => Some(10),
        Some(past) => (!past.is_fixed).then(|| (past.step.ms() / 2_000).clamp(10, 600)),
    };
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=page.theme.id() data-build=page.build.to_string()
            data-last-event-id=page.last.map(|id| id.to_string())>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" media="(prefers-color-scheme: light)" content="#f3f4f6" />
                <meta name="theme-color" media="(prefers-color-scheme: dark)" content="#0e1115" />
                <meta name="description" content=format!("Live dashboard of {}", host.name) />
                <title>{format!("{} · {}", host.name, view.title())}</title>
                // Where controls and headlines stand depends on what follows them: they are painted once it is there.
                <link rel="expect" href="#headlines" blocking="render" />
                <link rel="icon" href="favicon.svg" type="image/svg+xml" />
                <link rel="manifest" href="site.webmanifest" />
                {links.css.clone().map(|style| view! { <StyleSheet style view /> })}
                <Scripts links />
                {watch.map(|options| view! { <AutoReload options /> })}
                {refresh.map(|seconds| view! {
                    <noscript>
                        <meta http-equiv="refresh" content=seconds />
                    </noscript>
                })}
            </head>
            <body>
                <a class="skip" href="#main">"Skip to the charts"</a>
                <header class="masthead">
                    <HostLine host=host.clone() now />
                    <Pages view />
                    <Controls />
                    <button class="help" type="button" popovertarget="keys" data-key="?" aria-label="Keys">"?"</button>
                </header>
                {open_to_all.then(|| view! {
                    <p class="warning" role="note">
                        <b>"Open to all."</b>
                        " Started with --no-auth: whoever reaches this address sees this page."
                    </p>
                })}
                <main id="main" tabindex="-1">
                    {children()}
                </main>
                <footer class="colophon">
                    <p>"Telltale " {env!("CARGO_PKG_VERSION")}</p>
                    <p>"Times in " <span id=ZONE_ELEMENT>{page.zone.name.to_string()}</span></p>
                    <p class="script-only keys-hint">
                        "Press " <kbd>"?"</kbd> " for the keys."
                    </p>
                </footer>
                <KeySheet wanted=keys_wanted />
                <svg class="patterns" width="0" height="0" aria-hidden="true">
                    <defs>
                        <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                            <line x1="0" y1="0" x2="0" y2="6"></line>
                        </pattern>
                    </defs>
                </svg>
                <script type="application/json" id=STATE_ELEMENT inner_html=state></script>
            </body>
        </html>
    }
}

/// The pages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Overview,
    Processes,
}

impl View {
    const ALL: [Self; 2] = [Self::Overview, Self::Processes];

    /// Relative to each other: all stand side by side, wherever a proxy has put them.
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "./",
            Self::Processes => "processes",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Processes => "Processes",
        }
    }

    /// What stands in the title, behind the host's name.
    const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Telltale",
            Self::Processes => "Processes · Telltale",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Overview => "o",
            Self::Processes => "t",
        }
    }
}

#[component]
fn Pages(view: View) -> impl IntoView {
    let links = View::ALL
        .into_iter()
        .map(|other| {
            let current = (other == view).then_some("page");
            view! { <a href=other.path() aria-current=current data-key=other.key()>{other.name()}</a> }
        })
        .collect_view();
    view! { <nav class="pages" aria-label="Pages">{links}</nav> }
}

/// What this machine is, in one line.
#[component]
fn HostLine(host: Arc<HostFacts>, now: UnixMs) -> impl IntoView {
    let up = host.booted_at.map(|booted| u64::try_from((now.0 - booted.0) / 1_000).unwrap_or(0));
    let facts = [
        host.os.clone(),
        host.kernel.clone().map(|kernel| format!("{kernel} {}", host.architecture)),
        Some(cores(&host)),
        Some(memory(&host)),
        up.map(|seconds| format!("up {}", units::duration(seconds))),
    ];
    view! {
        <div class="host">
            <h1>{host.name.clone()}</h1>
            <ul>{facts.into_iter().flatten().map(|fact| view! { <li>{fact}</li> }).collect_view()}</ul>
        </div>
    }
}

/// `4 cores`, or `1.5 of 4 cores` where a limit leaves so much of them.
fn cores(host: &HostFacts) -> String {
    let limit = host.limits.and_then(|limits| limits.cpu_cores).map(|cores| units::fixed(cores, 2));
    let of = limit.map(|cores| format!("{} of ", cores.trim_end_matches('0').trim_end_matches('.')));
    format!("{}{} {}", of.unwrap_or_default(), host.cpu_count, if host.cpu_count == 1 { "core" } else { "cores" })
}

/// `16.0 GiB`, or `512 MiB of 16.0 GiB`.
fn memory(host: &HostFacts) -> String {
    let shown = |bytes: u64| Unit::Bytes.show(bytes as f64).text();
    let limit = host.limits.and_then(|limits| limits.memory_bytes);
    limit.map_or_else(String::new, |bytes| format!("{} of ", shown(bytes))) + &shown(host.memory_bytes)
}

#[component]
fn StyleSheet(style: Style, view: View) -> impl IntoView {
    match style {
        Style::Inside { whole, of_charts } => {
            let text = if view == View::Processes { whole.to_owned() } else { of_charts.to_string() };
            Either::Left(view! { <style nonce=use_nonce() inner_html=text></style> })
        }
        Style::Beside(href) => Either::Right(view! { <link rel="stylesheet" href=href /> }),
    }
}

/// Loads the wasm, lets it fetch what the HTML already shows, then wakes the islands: in this order the first render in
/// the browser equals the server's. Between the steps the browser may answer to whoever uses the page.
#[component]
fn Scripts(links: Links) -> impl IntoView {
    links.js.zip(links.wasm).map(|(js, wasm)| {
        let script = format!(
            "import init,*as app from{js:?};const rest=()=>new Promise(done=>setTimeout(done));\
             await init({{module_or_path:{wasm:?}}});await rest();await app.boot();await rest();\
             for(const island of document.querySelectorAll('leptos-island')){{app[island.dataset.component](island);await rest()}}\
             app.go_live(Intl.DateTimeFormat().resolvedOptions().timeZone||'local time',-new Date().getTimezoneOffset(),app.heard)"
        );
        view! {
            <link rel="modulepreload" href=js />
            <link rel="preload" href="api/v1/catalog" r#as="fetch" crossorigin="anonymous" />
            <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
            <script type="module" nonce=use_nonce() inner_html=script></script>
        }
    })
}

/// JSON that cannot end the element it stands in.
fn state_json(page: &PageState) -> String {
    serde_json::to_string(page).unwrap_or_default().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HostLimits;

    #[test]
    fn a_layer_is_left_out_of_a_sheet() {
        for (sheet, expected) in [
            (
                "@layer a{.x{y:z}}@layer p{.x{y:z}@media print{.q{r:s}}}@layer b{.x{y:z}}",
                "@layer a{.x{y:z}}@layer b{.x{y:z}}",
            ),
            ("@layer a{.x{y:z}}@layer p{.x{y:z}}", "@layer a{.x{y:z}}"),
            ("@layer p2{.x{y:z}}", "@layer p2{.x{y:z}}"),
            ("", ""),
        ] {
            assert_eq!(without_layer(sheet, "p"), expected);
        }
    }

    #[test]
    fn limits_stand_before_what_the_machine_has() {
        let limits = |cpu_cores, memory_bytes| Some(HostLimits { cpu_cores, memory_bytes });
        for (limits, expected) in [
            (None, ("4 cores", "16.0 GiB")),
            (limits(Some(1.5), None), ("1.5 of 4 cores", "16.0 GiB")),
            (limits(Some(2.0), Some(512 << 20)), ("2 of 4 cores", "512 MiB of 16.0 GiB")),
            (limits(None, Some(1 << 30)), ("4 cores", "1.00 GiB of 16.0 GiB")),
        ] {
            let host = HostFacts { cpu_count: 4, memory_bytes: 16 << 30, limits, ..HostFacts::default() };
            assert_eq!((&*cores(&host), &*memory(&host)), expected);
        }
    }
}
