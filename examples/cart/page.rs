//! The shop's pages.

use axum::{
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sealed_session::Size;

use crate::basket::{Article, Basket, CATALOGUE};

/// The place where the basket is.
pub struct Whereabouts {
    pub size: Size,
    /// The store's name.
    pub store: &'static str,
    /// True if the basket has just moved there.
    pub moved: bool,
}

pub fn home(basket: &Basket, at: &Whereabouts) -> Html<String> {
    page(html! {
        header {
            h1 { "A basket that outgrows its cookie" }
            p { "Fill it, and see where it goes. Take things out, and see it return." }
        }
        div.columns {
            (whereabouts(basket, at))
            main {
                (catalogue())
                (contents(basket))
            }
        }
    })
}

fn whereabouts(basket: &Basket, Whereabouts { size, store, moved }: &Whereabouts) -> Markup {
    let stored = size.in_store;
    let lines = basket.lines().len();
    html! {
        section.panel aria-labelledby="where" {
            h2 id="where" { "Where the basket is" }
            p role="status" {
                @match size.in_store {
                    _ if lines == 0 => { strong { "Nowhere." } " An empty basket needs neither cookie nor store." }
                    false if *moved => {
                        strong { "Back in its cookie." } " It is small enough again."
                    }
                    false => { strong { "In its cookie." } " The store is not asked." }
                    true if *moved => {
                        strong { "In the store." } " It has just outgrown its cookie."
                    }
                    true => { strong { "In the store." } " It is sealed there. Without the cookie nobody can open it." }
                }
            }
            (place("Cookie", !stored && lines > 0, html! {
                @if stored {
                    "Only a reference: 159 characters, however much is in the basket."
                } @else if lines > 0 {
                    (room(size))
                } @else {
                    "None."
                }
            }))
            (place(&format!("Store ({store})"), stored, html! {
                @if stored { (room(size)) } @else { "Not needed." }
            }))
            p.aside {
                "A basket whose cookie would take more than 4096 bytes moves into the store. When it shrinks it returns. "
                "All of that happens by itself. A cookie is text, in which the same basket takes a third more."
            }
        }
    }
}

/// One of the two places where a basket can be.
fn place(name: &str, here: bool, inside: Markup) -> Markup {
    html! {
        div.place.here[here] {
            h3 { (name) @if here { " " span.badge { "the basket is here" } } }
            p { (inside) }
        }
    }
}

/// Shows how full the basket's place is.
fn room(Size { used, limit, left, .. }: &Size) -> Markup {
    html! {
        meter min="0" max=(limit) high=(limit / 5 * 4) optimum="0" value=(used) {
            (used) " of " (limit)
        }
        (used) " of " (limit) " bytes. Room for " (left) " more."
    }
}

fn catalogue() -> Markup {
    html! {
        section aria-labelledby="catalogue" {
            h2 id="catalogue" { "Catalogue" }
            ul.catalogue {
                @for article in CATALOGUE { li { (order(article)) } }
                li.wide {
                    form method="post" action="/guests" aria-labelledby="guests" {
                        h3 id="guests" { (Article::PlaceCard.name()) "s" }
                        p.aside { (Article::PlaceCard.about()) }
                        button name="change" value="more" { "Fifty more" }
                        button.quiet name="change" value="fewer" { "Fifty fewer" }
                    }
                }
            }
        }
    }
}

fn order(article: Article) -> Markup {
    let (number, name, about) = (article.number(), article.name(), article.about());
    html! {
        form method="post" action="/add" aria-labelledby={ "article-" (number) } {
            h3 id={ "article-" (number) } { (name) }
            p.aside { (about) }
            input type="hidden" name="article" value=(number);
            label.note { "Note" input name="note" maxlength=(Basket::LONGEST_NOTE) autocomplete="off"; }
            label { "Pieces"
                input type="number" name="pieces" value="1" min="1" max=(Basket::MOST_PIECES) required; }
            button aria-label={ "Add to the basket: " (name) } { "Add" }
        }
    }
}

fn contents(basket: &Basket) -> Markup {
    let lines = basket.lines();
    html! {
        section aria-labelledby="basket" {
            h2 id="basket" { "Your basket" }
            @if lines.len() == 0 {
                p { "It is empty." }
            } @else {
                div.above {
                    p { (lines.len()) @if lines.len() == 1 { " line" } @else { " lines" } " of at most "
                        (Basket::MOST_LINES) "." }
                    form method="post" action="/empty" { button.quiet { "Empty the basket" } }
                }
                table {
                    thead { tr {
                        th scope="col" { "Article" }
                        th scope="col" { "Note" }
                        th.number scope="col" { "Pieces" }
                        th { span.unseen { "Remove" } }
                    } }
                    tbody {
                        @for (item, pieces) in lines {
                            @let name = item.article.name();
                            tr {
                                td { (name) }
                                td { (item.note) }
                                td.number { (pieces) }
                                td {
                                    form method="post" action="/remove" {
                                        input type="hidden" name="article" value=(item.article.number());
                                        input type="hidden" name="note" value=(item.note);
                                        button.quiet aria-label={ "Remove: " (name) " " (item.note) } { "Remove" }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Puts a page into an empty response to a session that could not be loaded or kept.
pub async fn of_failure(response: Response) -> Response {
    let (what, then) = match response.status() {
        StatusCode::SERVICE_UNAVAILABLE => (
            "Your basket can't be reached just now",
            html! { "It is not lost, and nothing of it has changed. Please try again in a moment." },
        ),
        StatusCode::CONFLICT => (
            "Your basket has changed meanwhile",
            html! { "Perhaps in another tab. Please look at it, and try again." },
        ),
        StatusCode::UNPROCESSABLE_ENTITY => (
            "That does not fit into the basket",
            html! {
                "It holds " (Basket::MOST_LINES) " lines of up to " (Basket::MOST_PIECES)
                " pieces of what is in the catalogue, with notes of up to " (Basket::LONGEST_NOTE)
                " characters. Nothing has changed."
            },
        ),
        _ => return response,
    };
    let page = page(html! { main { h1 { (what) } p { (then) } p { a href="/" { "Back to the basket" } } } });
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, page).into_response()
}

fn page(body: Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "A basket that outgrows its cookie" }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    Html(page.into_string())
}

const STYLE: &str = "
:root { color-scheme: light dark; --accent: #2b6a4d; --line: #8884; --tint: #2b6a4d1c; }
* { box-sizing: border-box; }
body { font: 1.05rem/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.3rem; margin: 0 0 .8rem; }
h3 { font-size: 1.05rem; margin: 0; }
p { margin: .4rem 0; }
.columns { display: grid; gap: 2.5rem; margin-top: 2rem; }
main > section + section { margin-top: 2.5rem; }
.panel { align-self: start; }
.place { border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; margin: .8rem 0; }
.here { border-color: var(--accent); background: var(--tint); }
.badge { background: var(--accent); color: #fff; border-radius: 1rem; padding: .1rem .6rem;
    font-size: .8rem; font-weight: normal; white-space: nowrap; }
meter { display: block; width: 100%; height: 1.4rem; }
.aside { font-size: .92rem; opacity: .85; }
.catalogue { list-style: none; margin: 0; padding: 0; display: grid; gap: .8rem;
    grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.catalogue li { border: 1px solid var(--line); border-radius: .6rem; padding: .8rem 1rem; }
.catalogue .wide { grid-column: 1 / -1; }
.catalogue form { display: flex; flex-wrap: wrap; gap: .2rem .6rem; align-items: end; }
.catalogue h3, .catalogue p { flex: 1 0 100%; margin: 0; }
label { display: block; font-size: .85rem; }
label input { display: block; width: 5.5rem; }
.note { flex: 1; }
.note input { width: 100%; }
input, button { font: inherit; font-size: 1rem; padding: .4rem .7rem; border: 1px solid var(--line);
    border-radius: .4rem; }
button { background: var(--accent); color: #fff; border-color: transparent; cursor: pointer; }
button.quiet { background: none; color: inherit; border-color: var(--line); }
.above { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: center; gap: .5rem; }
table { width: 100%; border-collapse: collapse; margin-top: .5rem; }
th, td { text-align: left; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid var(--line); }
td:nth-child(2) { overflow-wrap: anywhere; }
th:last-child, td:last-child { width: 1%; padding-right: 0; }
td button { font-size: .9rem; padding: .2rem .5rem; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.unseen { position: absolute; clip-path: inset(50%); }
@media (min-width: 56rem) {
    .columns { grid-template-columns: 1fr 22rem; }
    .columns main { grid-area: 1 / 1; }
    .panel { position: sticky; top: 1.5rem; }
}
";
