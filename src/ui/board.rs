//! The island around all that is drawn. Its children are the server's HTML and cost no wasm: in the browser
//! the scene is drawn into them.

use super::live::{self, parts};
use leptos::prelude::*;

#[island]
pub fn Board(children: Children) -> impl IntoView {
    live::attach_board();
    view! { <div class="board" id=parts::BOARD>{children()}</div> }
}
