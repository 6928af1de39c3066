//! Covers, drawn from the album's id: a few shapes in the colours of one of a handful of palettes.

use std::fmt::Write as _;

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::Site;
use crate::demo::world::field;

/// Ground first.
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

/// The cover of that id; always the same.
fn draw(id: &str, size: u16) -> String {
    let seed: [u8; 32] = Sha256::digest(id).into();
    let palette = PALETTES[usize::from(seed[0]) % PALETTES.len()];
    let shapes = match seed[1] % 5 {
        0 => tiles(&seed, palette),
        1 => rings(&seed, palette),
        2 => horizon(&seed, palette),
        3 => ribbons(&seed, palette),
        _ => discs(&seed, palette),
    };
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 320 320"><rect width="320" height="320" fill="{}"/>{shapes}</svg>"#,
        palette[0]
    )
}

/// A number from `low` to `high` out of a byte.
fn between(byte: u8, low: u32, high: u32) -> u32 {
    low + u32::from(byte) * (high - low) / 255
}

fn colour(byte: u8, palette: [&'static str; 4]) -> &'static str {
    palette[1 + usize::from(byte) % 3]
}

/// Quarter circles on a grid of four by four.
fn tiles(seed: &[u8; 32], palette: [&'static str; 4]) -> String {
    let mut svg = String::new();
    for (cell, pair) in seed.chunks_exact(2).enumerate() {
        let (x, y) = (cell % 4 * 80, cell / 4 * 80);
        let quarter = match pair[0] % 4 {
            0 => format!("M{x} {y}h80a80 80 0 0 1-80 80z"),
            1 => format!("M{} {y}v80a80 80 0 0 1-80-80z", x + 80),
            2 => format!("M{} {}h-80a80 80 0 0 1 80-80z", x + 80, y + 80),
            _ => format!("M{x} {}v-80a80 80 0 0 1 80 80z", y + 80),
        };
        let _ = write!(svg, r#"<path d="{quarter}" fill="{}"/>"#, colour(pair[1], palette));
    }
    svg
}

/// Rings about a point off the middle.
fn rings(seed: &[u8; 32], palette: [&'static str; 4]) -> String {
    let (x, y) = (between(seed[2], 60, 260), between(seed[3], 60, 260));
    let mut svg = String::new();
    for (step, byte) in seed[4..12].iter().enumerate() {
        let radius = 300 - 36 * step;
        let fill = if step % 2 == 0 { colour(*byte, palette) } else { palette[0] };
        let _ = write!(svg, r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}"/>"#);
    }
    svg
}

/// A sun over bands of water.
fn horizon(seed: &[u8; 32], palette: [&'static str; 4]) -> String {
    let (x, radius) = (between(seed[2], 90, 230), between(seed[3], 55, 95));
    let sea = between(seed[4], 170, 220);
    let sun = colour(seed[5], palette);
    let mut svg = format!(r#"<circle cx="{x}" cy="{}" r="{radius}" fill="{sun}"/>"#, sea - 20);
    let mut y = sea;
    for (step, byte) in seed[6..16].iter().enumerate() {
        let height = between(*byte, 8, 30);
        let fill = palette[2 - step % 2];
        let _ = write!(svg, r#"<rect y="{y}" width="320" height="{height}" fill="{fill}"/>"#);
        y += height + between(seed[16 + step], 2, 12);
    }
    svg
}

/// Slanting bands.
fn ribbons(seed: &[u8; 32], palette: [&'static str; 4]) -> String {
    let angle = between(seed[2], 20, 70);
    let mut bands = String::new();
    let mut x = 0;
    for pair in seed[4..24].chunks_exact(2) {
        let width = between(pair[0], 12, 52);
        let fill = colour(pair[1], palette);
        let _ =
            write!(bands, r#"<rect x="{x}" y="-200" width="{width}" height="800" fill="{fill}"/>"#);
        x += width + 14;
    }
    format!(r#"<g transform="rotate({angle} 160 160) translate(-60 0)">{bands}</g>"#)
}

/// Discs that let each other shine through.
fn discs(seed: &[u8; 32], palette: [&'static str; 4]) -> String {
    let mut svg = String::new();
    for four in seed[4..28].chunks_exact(4) {
        let (x, y) = (between(four[0], 30, 290), between(four[1], 30, 290));
        let (radius, fill) = (between(four[2], 34, 110), colour(four[3], palette));
        let _ = write!(
            svg,
            r#"<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" fill-opacity=".82"/>"#
        );
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_has_a_cover_of_its_own_that_is_drawn_alike_each_time() {
        let covers: std::collections::HashSet<String> =
            (0..200).map(|n| draw(&format!("album {n}"), 300)).collect();
        assert_eq!(covers.len(), 200);
        assert!(covers.contains(&draw("album 7", 300)));
        assert!(covers.iter().all(|svg| svg.starts_with("<svg ") && svg.ends_with("</svg>")));
    }
}
