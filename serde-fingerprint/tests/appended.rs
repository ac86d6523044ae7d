//! Fields appended to the outermost struct: payloads of the shape before are read, the new fields with their defaults.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_fingerprint::{Fingerprint, Schema};

#[track_caller]
fn traced<T: Serialize + DeserializeOwned>() -> Schema<T> {
    Schema::trace().unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn encoded<T: Serialize + DeserializeOwned>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    traced().encode_into(value, &mut out).unwrap();
    out
}

/// Writes the old value and reads it as the new type, to the very last byte.
#[track_caller]
fn upgraded<Old, New>(old: &Old) -> New
where
    Old: Serialize + DeserializeOwned,
    New: Serialize + DeserializeOwned,
{
    let (schema, fingerprint) = (traced::<New>(), Fingerprint::of::<Old>().unwrap());
    let mut payload = encoded(old);
    for cut in 0..payload.len() {
        assert!(schema.decode_prefix(fingerprint, &payload[..cut]).unwrap().is_err());
    }
    payload.push(0);
    assert!(schema.decode_prefix(fingerprint, &payload).unwrap().is_err_and(|error| error.is_left_over()));
    payload.pop();
    schema.decode_prefix(fingerprint, &payload).unwrap().unwrap()
}

#[track_caller]
fn assert_not_covered<Old, New>()
where
    Old: Serialize + DeserializeOwned,
    New: Serialize + DeserializeOwned,
{
    let (schema, old) = (traced::<New>(), Fingerprint::of::<Old>().unwrap());
    assert_ne!(schema.fingerprint(), old);
    assert!(schema.prefixes().all(|prefix| prefix != old));
    assert!(schema.decode_prefix(old, &[]).is_none());
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Before {
    user: u64,
    name: String,
}

fn before() -> Before {
    Before { user: 7, name: "Ada".into() }
}

#[test]
fn a_field_with_a_default_may_be_missing() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct After {
        user: u64,
        name: String,
        #[serde(default)]
        theme: Option<String>,
    }
    assert_eq!(upgraded::<_, After>(&before()), After { user: 7, name: "Ada".into(), theme: None });
    assert_eq!(traced::<After>().prefixes().collect::<Vec<_>>(), [Fingerprint::of::<Before>().unwrap()]);
}

#[test]
fn a_field_with_a_default_from_a_function_may_be_missing() {
    fn ten() -> u8 {
        10
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct After {
        user: u64,
        name: String,
        #[serde(default = "ten")]
        page_size: u8,
    }
    assert_eq!(upgraded::<_, After>(&before()), After { user: 7, name: "Ada".into(), page_size: 10 });
}

#[test]
fn any_last_fields_of_a_struct_with_a_default_may_be_missing() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct After {
        user: u64,
        name: String,
        dark: bool,
    }
    impl Default for After {
        fn default() -> Self {
            Self { user: 1, name: "nobody".into(), dark: true }
        }
    }
    #[derive(Serialize, Deserialize)]
    struct First {
        user: u64,
    }
    #[derive(Serialize, Deserialize)]
    struct Empty {}
    assert_eq!(upgraded::<_, After>(&before()), After { user: 7, name: "Ada".into(), dark: true });
    assert_eq!(upgraded::<_, After>(&First { user: 7 }), After { user: 7, ..After::default() });
    assert_eq!(upgraded::<_, After>(&Empty {}), After::default());
}

#[test]
fn other_attributes_do_not_matter() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct After {
        #[serde(skip)]
        cached: Option<u64>,
        #[serde(alias = "id", alias = "uid")]
        user: u64,
        #[serde(rename = "name")]
        full_name: String,
        #[serde(skip)]
        seen: bool,
        #[serde(default, alias = "colors")]
        theme: Vec<u8>,
    }
    let after = After { cached: None, user: 7, full_name: "Ada".into(), seen: false, theme: Vec::new() };
    assert_eq!(upgraded::<_, After>(&before()), after);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wire {
    user: u64,
    name: String,
    #[serde(default)]
    theme: u8,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
struct Converted(Wire);

impl From<Wire> for Converted {
    fn from(wire: Wire) -> Self {
        Self(wire)
    }
}

impl From<Converted> for Wire {
    fn from(converted: Converted) -> Self {
        converted.0
    }
}

#[test]
fn newtypes_and_conversions_around_the_struct_do_not_matter() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner(Wire);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer(Inner);
    #[derive(Serialize, Deserialize)]
    struct OldOuter(Before);

    let wire = Wire { user: 7, name: "Ada".into(), theme: 0 };
    assert_eq!(upgraded::<_, Outer>(&before()), Outer(Inner(wire.clone())));
    assert_eq!(upgraded::<_, Outer>(&OldOuter(before())), Outer(Inner(wire.clone())));
    assert_eq!(upgraded::<_, Converted>(&before()), Converted(wire.clone()));
    assert_eq!(upgraded::<_, Box<Converted>>(&before()), Box::new(Converted(wire)));
}

#[test]
fn fields_appended_one_after_the_other_may_all_be_missing() {
    #[derive(Serialize, Deserialize)]
    struct Second {
        user: u64,
        name: String,
        tags: Vec<String>,
    }
    #[derive(Serialize, Deserialize)]
    struct Third {
        user: u64,
        name: String,
        tags: Vec<String>,
        dark: bool,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fourth {
        user: u64,
        name: String,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        dark: bool,
        #[serde(default)]
        at: Option<(u32, u32)>,
    }
    let (name, tags) = ("Ada".to_owned(), vec!["new".to_owned()]);
    let fourth = Fourth { user: 7, name: name.clone(), tags: tags.clone(), dark: true, at: None };
    let third = Third { user: 7, name: name.clone(), tags: tags.clone(), dark: true };
    assert_eq!(upgraded::<_, Fourth>(&third), fourth);
    assert_eq!(upgraded::<_, Fourth>(&Second { user: 7, name, tags }), Fourth { dark: false, ..fourth });
    let fourth = Fourth { user: 7, name: "Ada".into(), tags: Vec::new(), dark: false, at: None };
    assert_eq!(upgraded::<_, Fourth>(&before()), fourth);

    let fingerprints = [Fingerprint::of::<Third>(), Fingerprint::of::<Second>(), Fingerprint::of::<Before>()]
        .map(Result::unwrap);
    assert_eq!(traced::<Fourth>().prefixes().collect::<Vec<_>>(), fingerprints);
}

#[test]
fn a_recursive_type_may_lack_a_field_that_leads_to_itself() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct After {
        user: u64,
        name: String,
        #[serde(default)]
        parent: Option<Box<After>>,
    }
    assert_eq!(upgraded::<_, After>(&before()), After { user: 7, name: "Ada".into(), parent: None });
}

#[test]
fn a_recursive_type_that_lacks_the_field_at_every_level_is_not_covered() {
    #[derive(Serialize, Deserialize)]
    struct Old {
        parent: Option<Box<Old>>,
    }
    #[derive(Serialize, Deserialize)]
    struct New {
        parent: Option<Box<New>>,
        #[serde(default)]
        dark: bool,
    }
    assert_not_covered::<Old, New>();
    // A struct of the first field whose parents have both is covered.
    #[derive(Serialize, Deserialize)]
    struct Outermost {
        parent: Option<Box<New>>,
    }
    let old = Outermost { parent: Some(Box::new(New { parent: None, dark: true })) };
    let new = upgraded::<_, New>(&old);
    assert!(!new.dark && new.parent.is_some_and(|parent| parent.dark));
}

#[test]
fn a_field_without_a_default_may_not_be_missing() {
    #[derive(Serialize, Deserialize)]
    struct After {
        user: u64,
        name: String,
        theme: Option<String>,
    }
    assert_not_covered::<Before, After>();
    assert_eq!(traced::<After>().prefixes().count(), 0);
    // It also ends the search: what is in front of it may not be missing either.
    #[derive(Serialize, Deserialize)]
    struct Later {
        user: u64,
        #[serde(default)]
        name: String,
        theme: u8,
        #[serde(default)]
        dark: bool,
    }
    assert_eq!(traced::<Later>().prefixes().count(), 1);
}

#[test]
fn a_field_in_the_middle_may_not_be_missing() {
    #[derive(Serialize, Deserialize)]
    struct After {
        user: u64,
        #[serde(default)]
        theme: u8,
        name: String,
    }
    assert_not_covered::<Before, After>();
}

#[test]
fn a_field_of_a_nested_struct_may_not_be_missing() {
    #[derive(Serialize, Deserialize)]
    struct Old {
        nested: Before,
    }
    #[derive(Serialize, Deserialize)]
    struct New {
        nested: Wire,
    }
    assert_not_covered::<Old, New>();
    assert_not_covered::<(Before,), (Wire,)>();
    assert_not_covered::<Option<Before>, Option<Wire>>();
    assert_not_covered::<Vec<Before>, Vec<Wire>>();
}

#[test]
fn an_element_of_a_tuple_struct_may_not_be_missing() {
    #[derive(Serialize, Deserialize)]
    struct Old(u64, u8);
    #[derive(Serialize, Deserialize)]
    struct New(u64, u8, #[serde(default)] u8);
    assert_not_covered::<Old, New>();
}

#[test]
fn a_field_of_a_variant_may_not_be_missing_and_an_appended_variant_is_another_shape() {
    #[derive(Serialize, Deserialize)]
    enum Old {
        Seen { page: u8 },
    }
    #[derive(Serialize, Deserialize)]
    enum New {
        Seen {
            page: u8,
            #[serde(default)]
            at: u64,
        },
    }
    #[derive(Serialize, Deserialize)]
    enum Longer {
        Seen { page: u8 },
        Left,
    }
    assert_not_covered::<Old, New>();
    assert_not_covered::<Old, Longer>();
}
