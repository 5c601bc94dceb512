//! Object ids from names, as Home Assistant makes them.

/// Lower-case ASCII letters and digits with single underscores between; empty when the name has no
/// letter that can be written so.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    let mut gap = false;
    for c in name.chars().filter(|c| !is_mark(*c)) {
        let written = written(c);
        if written.is_empty() {
            gap = true;
            continue;
        }
        if gap && !slug.is_empty() {
            slug.push('_');
        }
        gap = false;
        slug.push_str(&written);
    }
    if slug.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        slug
    } else {
        String::new()
    }
}

/// Whether a character only puts a mark on the one before it (Combining Diacritical Marks).
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// A character in lower-case ASCII; empty where it only separates.
fn written(c: char) -> String {
    if c.is_ascii_alphanumeric() {
        return c.to_ascii_lowercase().to_string();
    }
    c.to_lowercase().map(latin).collect()
}

/// Letters of the European Latin alphabets (Latin-1 and Latin Extended-A), without their marks.
fn latin(c: char) -> &'static str {
    match c {
        'a'..='z' => &"abcdefghijklmnopqrstuvwxyz"[c as usize - 'a' as usize..][..1],
        'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'þ' => "th",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_become_what_home_assistant_would_make_of_them() {
        for (name, expected) in [
            ("Alpha", "alpha"),
            ("Lush 2", "lush_2"),
            ("  Anna's  toy! ", "anna_s_toy"),
            ("Größe-Ø", "grosse_o"),
            ("Gro\u{308}sse", "grosse"),
            ("İstanbul", "istanbul"),
            ("__a__b__", "a_b"),
            ("Алиса", ""),
            ("Алиса 2", ""),
            ("🎈", ""),
            ("", ""),
        ] {
            assert_eq!(slug(name), expected, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_good_object_id(name in "\\PC*") {
            let slug = slug(&name);
            prop_assert!(slug.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_')));
            prop_assert!(!slug.starts_with('_') && !slug.ends_with('_') && !slug.contains("__"));
        }
    }
}
