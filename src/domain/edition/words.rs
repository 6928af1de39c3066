//! The words that say "this is an edition of an album", and those that say "this is not".
//!
//! The list is closed where it can be: a phrase counts only if *every* word in it is known. So
//! what nobody thought of (*Taylor's Version*, *Live in Tokyo*, *Vol. 2*) makes an album of its
//! own, and is told: an email too many is a smaller harm than an album that nobody hears of.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What an edition is to the album that came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    /// The same at the same time: explicit, clean, standard.
    Twin,
    /// The same and more, soon or late: deluxe, bonus tracks, a market's own.
    Grown,
    /// The same, years later: remaster, anniversary, reissue.
    Restored,
}

/// What one word adds to a phrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Enough alone: `Deluxe`.
    Mark(Class),
    /// Enough with a noun: `Special` (Edition).
    Trait(Class),
    /// `Version`, `Package`: nothing alone.
    Noun,
    /// The noun that is said of editions alone, and so vouches for words that nobody knows.
    Edition,
    /// `Collection`: a noun in brackets; else it is the name of a compilation.
    Collection,
    /// `Mix`: with a year (*2019 Mix*) it is the old album, mixed anew by its label.
    Mix,
    /// `Anniversary`, with or without a number.
    Anniversary,
    /// `years`, after a number.
    Years,
    /// 2011, 25, 25th.
    Number(i16),
    /// `the`, `with`, `super`, `digital`.
    Filler,
}

use Class::{Grown, Restored, Twin};
use Role::{Collection, Edition, Filler, Mark, Mix, Noun, Trait};

/// Lower case, without Latin accents, as [`super::fold::bare`] leaves them; a language or a family
/// of languages a line.
#[rustfmt::skip]
const WORDS: &[(Role, &str)] = &[
    (Mark(Twin), "explicit clean edited amended censored uncensored explicita explicito explicite"),
    (Trait(Twin), "standard regular parental advisory content standardversion 通常 普通 일반"),
    (Mark(Grown), "deluxe expanded extended enhanced definitive exclusive bonus repackage repackaged repack"),
    (Mark(Grown), "deluxeversion deluxeedition deluxeausgabe erweitert erweiterte sonderausgabe sonderedition"),
    (Mark(Grown), "sonderauflage premiumedition fanedition bonusversion"),
    (Mark(Grown), "augmentee prolongee ampliada ampliado extendida expandida estendida ampliata espansa"),
    (Mark(Grown), "utokad utvidgad utvidet udvidet specialutgava spesialutgave specialudgave deluxeutgava"),
    (Mark(Grown), "deluxeutgave deluxeudgave uitgebreide luxeeditie"),
    (Mark(Grown), "laajennettu erikoispainos deluxepainos erikoisjulkaisu"),
    (Mark(Grown), "rozszerzona rozszerzone poszerzona делюкс расширенное расширенная"),
    (Mark(Grown), "デラックス リパッケージ 디럭스 딜럭스 리패키지"),
    (Trait(Grown), "special limited collector collectors ultimate platinum gold silver diamond legacy premium"),
    (Trait(Grown), "tour complete fan luxe luxury itunes amazon target spotify apple"),
    (Trait(Grown), "international uk us usa eu european japan asia asian australian canadian american"),
    (Trait(Grown), "spezial limitierte limitiert speciale limitee integrale ultime collectif"),
    (Trait(Grown), "especial limitada limitado lujo coleccionista completa luxo comemorativa conmemorativa"),
    (Trait(Grown), "limitata begransad limiterad begrenset begrænset gelimiteerde gelimiteerd rajoitettu"),
    (Trait(Grown), "specjalna specjalne limitowana limitowane kolekcjonerska kolekcjonerskie"),
    (Trait(Grown), "специальное специальная ограниченное"),
    (Trait(Grown), "スペシャル ボーナス コレクターズ コンプリート 特別 限定 豪華 特装 初回 初回限定 初回生産限定"),
    (Trait(Grown), "完全生産限定 期間生産限定 生産限定 完全 스페셜 보너스 한정 초회 특별 확장"),
    (Trait(Grown), "特别 豪华 加值 慶功 庆功 珍藏 典藏"),
    (Mark(Restored), "remaster remasters remastered remastering remasterd reissue reissued rerelease rereleased mono"),
    (Mark(Restored), "remasterisiert remastert neuauflage wiederveroffentlichung"),
    (Mark(Restored), "remasterise remasterisee reedition remasterizado remasterizada remasterizados"),
    (Mark(Restored), "remasterizacion reedicion remasterizacao reedicao relancamento"),
    (Mark(Restored), "remasterizzato remasterizzata rimasterizzato rimasterizzata ristampa riedizione"),
    (Mark(Restored), "remastrad remastrat remastret nyutgava nyutgave nyutgivelse genudgivelse"),
    (Mark(Restored), "geremasterd geremasterde heruitgave remasteroitu remasteroidut uusintajulkaisu uusintapainos"),
    (Mark(Restored), "zremasterowany zremasterowana zremasterowane reedycja ремастер ремастеринг переиздание"),
    (Mark(Restored), "リマスター リマスタリング リイシュー 리마스터 리마스터링 리마스터드 재발매"),
    (Trait(Restored), "stereo jubilee 復刻 重製 重制 記念 紀念 纪念 기념"),
    (Role::Anniversary, "anniversary anniv anniversaire anniversario aniversario"),
    (Role::Anniversary, "jubilaum jubilaums jubilaumsedition jubilaumsausgabe jubileum jubileums jubileumsutgava"),
    (Role::Anniversary, "jubileumsutgave jubilæum jubilæums jubilæumsudgave jubileumeditie jubileumuitgave"),
    (Role::Anniversary, "jubileumsuitgave juhlapainos juhlajulkaisu juhlavuosi juhlavuoden vuotisjuhla"),
    (Role::Anniversary, "vuotisjuhlapainos rocznica rocznicowa rocznicowe jubileuszowa jubileuszowe"),
    (Role::Anniversary, "юбилейное юбилейная 周年 週年 주년"),
    (Role::Years, "year years yr jahre jahren ans annees ano anos anni ar ars jaar vuotta vuotis lat lecie лет"),
    (Edition, "edition edicion edicao edizione ausgabe auflage utgava utgave udgave upplaga opplag oplag"),
    (Edition, "editie uitgave painos julkaisu edycja wydanie издание エディション 에디션"),
    (Noun, "version ver package pack box boxset set track tracks disc disk cd release bonustrack"),
    (Noun, "bonustracks titres pistas faixas canciones versione versao wersja versie versio версия"),
    (Noun, "盤 盘 版 ヴァージョン バージョン トラック ディスク 버전 트랙 판 반 음반"),
    (Collection, "collection"),
    (Mix, "mix mixes"),
    (Filler, "the an of and with w plus in on for by from de du des la le les el los las del"),
    (Filler, "della di da do dos das d l s e a o i y u und mit im et avec con com og och med na z"),
    (Filler, "ze van het een met ja en em super ultra mega hyper full newly original digital"),
    (Filler, "hd hq hi res audio video videos visual streaming album lp 2lp 3lp vinyl dvd 2cd 3cd cds"),
    (Filler, "discs double 年 년 の 付き 付 収録 수록 デジタル 디지털 數位 超"),
];

/// Words that make another recording of it, whatever stands beside them: *(Live Edition)*.
const NEVER: &str = "live concert concerts vivo directo direct direkt acoustic akustik akustisch \
    acustico acustica acoustique unplugged stripped remix remixes remixed remixe instrumental \
    instrumentals instrumentale karaoke demo demos session sessions piano orchestral orchestra \
    symphonic cappella acapella vol volume part pt chapter ep soundtrack score cast recorded \
    rerecorded spanish english german french italian portuguese korean chinese swedish espanol \
    deutsch francais sped slowed nightcore lullaby dub chopped screwed lofi drumless \
    commentary interview rarities outtakes redux revisited reimagined covers ライブ ライヴ \
    インストゥルメンタル カラオケ アコースティック 現場 라이브 인스트루멘탈";

/// Ordinals in emails, as English puts them on covers.
const ORDINALS: &[(&str, i16)] = &[
    ("fifth", 5),
    ("tenth", 10),
    ("fifteenth", 15),
    ("twentieth", 20),
    ("thirtieth", 30),
    ("fortieth", 40),
    ("fiftieth", 50),
    ("sixtieth", 60),
    ("x", 10),
    ("xv", 15),
    ("xx", 20),
    ("xxv", 25),
    ("xxx", 30),
];

/// Endings of an ordinal in digits: 25th, 3rd, 20e, 10ème, 25º.
const ORDINAL_ENDINGS: &[&str] =
    &["th", "st", "nd", "rd", "e", "er", "eme", "ieme", "o", "a", "os", "as", "ste", "de"];

/// Whether a word makes another recording.
pub(super) fn is_never(word: &str) -> bool {
    NEVER.split_whitespace().any(|never| never == word)
}

/// The roles of one word, more than one where a script sets no spaces (`20周年記念盤`); `None`
/// where a part of it is unknown.
pub(super) fn roles(word: &str) -> Option<Vec<Role>> {
    if let Some(role) = KNOWN.get(word).copied().or_else(|| number(word)) {
        return Some(vec![role]);
    }
    if word.is_ascii() {
        return None;
    }
    let mut rest = word;
    let mut roles = Vec::new();
    while !rest.is_empty() {
        let (role, len) = longest_prefix(rest)?;
        roles.push(role);
        rest = &rest[len..];
    }
    Some(roles)
}

static KNOWN: LazyLock<HashMap<&str, Role>> = LazyLock::new(|| {
    let of = |(role, words): &(Role, &'static str)| {
        let role = *role;
        words.split_whitespace().map(move |word| (word, role))
    };
    WORDS.iter().flat_map(of).collect()
});

fn number(word: &str) -> Option<Role> {
    if let Some((_, n)) = ORDINALS.iter().find(|(emails, _)| *emails == word) {
        return Some(Role::Number(*n));
    }
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, ending) = word.split_at(digits);
    let is_number = ending.is_empty() || ORDINAL_ENDINGS.contains(&ending);
    // Five digits and more are the name of something.
    is_number.then(|| digits.parse().ok().map(Role::Number)).flatten().filter(|_| digits.len() <= 4)
}

/// The longest word without Latin emails, or run of digits, that `text` begins with.
fn longest_prefix(text: &str) -> Option<(Role, usize)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if digits > 0 {
        return number(&text[..digits]).map(|role| (role, digits));
    }
    KNOWN
        .iter()
        .filter(|(word, _)| !word.is_ascii() && text.starts_with(**word))
        .map(|(word, role)| (*role, word.len()))
        .max_by_key(|(_, len)| *len)
}
