//! Cover images, drawn from the album's id.

use std::fmt::Write as _;

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::Site;
use crate::demo::world::field;

/// The background comes first.
const PALETTES: [[&str; 4]; 8] = [
    ["#14213d", "#fca311", "#e5e5e5", "#3a5a98"],
    ["#f4f1de", "#e07a5f", "#3d405b", "#81b29a"],
    ["#0b3954", "#bfd7ea", "#ff6663", "#e0ff4f"],
    ["#2b2d42", "#8d99ae", "#ef233c", "#edf2f4"],
    ["#fff8e7", "#264653", "#e9c46a", "#e76f51"],
    ["#1b1b2f", "#e43f5a", "#53a8b6", "#f9ed69"],
    ["#d8f3dc", "#1b4332", "#52b788", "#f77f00"],
    ["#3c1642", "#f4acb7", "#1dd3b0", "#affc41"],
];

pub(super) async fn serve(
    State(site): State<Site>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let album = file.strip_suffix(".svg").and_then(|id| site.world.album(id));
    let Some(album) = album.filter(|album| album.cover) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let size = field(&query.unwrap_or_default(), "size").and_then(|size| size.parse().ok());
    let kind = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=86400")];
    (kind, draw(&album.id, size.unwrap_or(300).clamp(16, 2000))).into_response()
}

/// The cover of an album: overlapping discs on a plain background.
fn draw(id: &str, size: u16) -> String {
    let seed: [u8; 32] = Sha256::digest(id).into();
    let palette = PALETTES[usize::from(seed[0]) % PALETTES.len()];
    let mut discs = String::new();
    for four in seed[4..28].chunks_exact(4) {
        let (x, y) = (between(four[0], 30, 290), between(four[1], 30, 290));
        let (radius, fill) = (between(four[2], 34, 110), palette[1 + usize::from(four[3]) % 3]);
        let _ = write!(
            discs,
            r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" fill-opacity=".82"/>"#
        );
    }
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 320 320"><rect width="320" height="320" fill="{}"/>{discs}</svg>"#,
        palette[0]
    )
}

/// Maps a byte to a number from `low` to `high`.
fn between(byte: u8, low: u32, high: u32) -> u32 {
    low + u32::from(byte) * (high - low) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_depend_on_the_album_id_alone() {
        let covers: std::collections::HashSet<String> =
            (0..200).map(|n| draw(&format!("album {n}"), 300)).collect();
        assert_eq!(covers.len(), 200);
        assert!(covers.contains(&draw("album 7", 300)));
        assert!(covers.iter().all(|svg| svg.starts_with("<svg ") && svg.ends_with("</svg>")));
    }
}
