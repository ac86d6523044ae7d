//! Stores with one fault each: `conformance::check` must find every one, and say what it is.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use sealed_session::store::{BlobId, Generation, Store, StoreError, Written, async_trait, conformance};
use tokio::task::yield_now;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Faultless,
    BlobsAreCutAt64Kib,
    BlobsAreText,
    BlobsEndAtAZero,
    LoadFailsOnLongOnes,
    LoadGivesOneByteLess,
    LoadHidesLongOnes,
    CreateOverwrites,
    CreateSaysConflictAndOverwrites,
    CreateMindsTheExpired,
    ReplaceIgnoresTheGeneration,
    ReplaceSaysConflictAndOverwrites,
    ReplaceStoresWhereNothingStands,
    ReplaceRevivesTheExpired,
    ReplaceKeepsTheExpiry,
    ReplaceKeepsALongerTail,
    SetExpiryIgnoresTheGeneration,
    SetExpiryDoesNothing,
    SetExpiryNeverShortens,
    SetExpiryNeverProlongs,
    SetExpiryRevivesTheExpired,
    SetExpiryCountsChanges,
    DeleteIgnoresTheGeneration,
    DeleteMindsAnyGeneration,
    DeleteOfNothingIsDone,
    DeleteOfTheExpiredIsDone,
    DeleteOnlyHides,
    GenerationsAreDoubles,
    GenerationsAreSigned,
    GenerationsAre32Bits,
    GenerationsAreLittleEndian,
    NothingExpires,
    NothingExpiresByItself,
    IdsLackTheirFirstByte,
    IdsLackTheirLastBit,
    IdsAreCutAtAZero,
    CreatesRace,
    ReplacesRace,
    DeletesRace,
    SetExpiryRaces,
}

use Fault::*;

/// Each with a part of the sentence that must tell of it.
const FAULTS: &[(Fault, &str)] = &[
    (BlobsAreCutAt64Kib, "a blob of 1 MiB is loaded as it was stored"),
    (BlobsAreText, "is loaded as it was stored"),
    (BlobsEndAtAZero, "is loaded as it was stored"),
    (LoadFailsOnLongOnes, "a call of `load` failed"),
    (LoadGivesOneByteLess, "load of at most"),
    (LoadHidesLongOnes, "load of at most"),
    (CreateOverwrites, "create with an id that is taken must return Conflict"),
    (CreateSaysConflictAndOverwrites, "create with an id that is taken changes nothing"),
    (CreateMindsTheExpired, "create after a blob has expired must return Done"),
    (ReplaceIgnoresTheGeneration, "replace of another generation must return Conflict"),
    (ReplaceSaysConflictAndOverwrites, "replace of another generation changes nothing"),
    (ReplaceStoresWhereNothingStands, "replace for an unused id must return Conflict"),
    (ReplaceRevivesTheExpired, "replace after set_expiry to the past"),
    (ReplaceKeepsTheExpiry, "replace replaces the expiry"),
    (ReplaceKeepsALongerTail, "replace stores the whole new blob"),
    (SetExpiryIgnoresTheGeneration, "set_expiry of another generation must return Conflict"),
    (SetExpiryDoesNothing, "set_expiry to the past makes a blob absent"),
    (SetExpiryNeverShortens, "set_expiry to the past makes a blob absent"),
    (SetExpiryNeverProlongs, "set_expiry to a later time keeps a blob for longer"),
    (SetExpiryRevivesTheExpired, "set_expiry after set_expiry to the past must return Conflict"),
    (SetExpiryCountsChanges, "set_expiry to the same time again must return Done"),
    (DeleteIgnoresTheGeneration, "delete of another generation must return Conflict"),
    (DeleteMindsAnyGeneration, "a deleted blob is gone"),
    (DeleteOfNothingIsDone, "delete of any generation for an unused id must return Conflict"),
    (DeleteOfTheExpiredIsDone, "delete of a generation after set_expiry to the past must return Conflict"),
    (DeleteOnlyHides, "create after a delete must return Done"),
    (GenerationsAreDoubles, "where 9007199254740993 is stored"),
    (GenerationsAreSigned, "where 9223372036854775807 is stored"),
    (GenerationsAre32Bits, "of generation 9223372036854775809 where 1 is stored"),
    (GenerationsAreLittleEndian, "replace of another generation must return Conflict"),
    (NothingExpires, "replace replaces the expiry"),
    (NothingExpiresByItself, "a blob expires by itself when its time has come"),
    (IdsLackTheirFirstByte, "create with an id that differs from others in one bit"),
    (IdsLackTheirLastBit, "create with an id that differs from others in one bit"),
    (IdsAreCutAtAZero, "create with an id that differs from others in one bit"),
    (CreatesRace, "overlapping creates, exactly one must return Done"),
    (ReplacesRace, "overlapping replaces of one generation, exactly one must return Done"),
    (DeletesRace, "overlapping deletes, exactly one must return Done"),
    (SetExpiryRaces, "a set_expiry that overlaps with a delete does not restore the blob"),
];

/// A store that is right but for its fault. It looks, decides and writes; with nothing to await in between, tasks of one
/// thread can't come in.
struct Faulty {
    fault: Fault,
    blobs: Mutex<HashMap<Vec<u8>, Kept>>,
}

#[derive(Clone)]
struct Kept {
    blob: Vec<u8>,
    expires: SystemTime,
    hidden: bool,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self { fault, blobs: Mutex::default() }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn key(&self, id: BlobId) -> Vec<u8> {
        let mut key = id.as_bytes().to_vec();
        match self.fault {
            IdsLackTheirFirstByte => drop(key.remove(0)),
            IdsLackTheirLastBit => key[15] &= 0xfe,
            IdsAreCutAtAZero => key.truncate(key.iter().position(|byte| *byte == 0).unwrap_or(16)),
            _ => (),
        }
        key
    }

    fn is_live(&self, kept: &Kept) -> bool {
        self.is(NothingExpires) || kept.expires > SystemTime::now() && !kept.hidden
    }

    /// What stands there, expired or not.
    fn any(&self, id: BlobId) -> Option<Kept> {
        self.blobs.lock().unwrap().get(&self.key(id)).cloned()
    }

    fn live(&self, id: BlobId) -> Option<Kept> {
        self.any(id).filter(|kept| self.is_live(kept))
    }

    fn write(&self, id: BlobId, blob: &[u8], mut expires: SystemTime) {
        if self.is(NothingExpiresByItself) && expires > SystemTime::now() {
            expires += Duration::from_secs(9_999_999);
        }
        let blob = match self.fault {
            BlobsAreCutAt64Kib => blob[..blob.len().min(65_535)].to_vec(),
            BlobsAreText => String::from_utf8_lossy(blob).into_owned().into_bytes(),
            BlobsEndAtAZero => blob.split(|byte| *byte == 0).next().unwrap().to_vec(),
            _ => blob.to_vec(),
        };
        self.blobs.lock().unwrap().insert(self.key(id), Kept { blob, expires, hidden: false });
    }

    fn matches(&self, kept: &Kept, expected: Generation) -> bool {
        let Some(found) = Generation::of(&kept.blob) else { return false };
        let (found, expected) = (found.to_be_bytes(), expected.to_be_bytes());
        let number = u64::from_be_bytes;
        match self.fault {
            GenerationsAreDoubles => number(found) as f64 == number(expected) as f64,
            GenerationsAreSigned => {
                let signed = |bytes| i64::try_from(number(bytes)).unwrap_or(i64::MAX);
                signed(found) == signed(expected)
            }
            GenerationsAre32Bits => found[4..] == expected[4..],
            GenerationsAreLittleEndian => {
                u64::from_le_bytes(found) as u32 == number(expected) as u32 || found == expected
            }
            _ => found == expected,
        }
    }
}

#[async_trait]
impl Store for Faulty {
    async fn load(&self, id: BlobId, most: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(Kept { mut blob, .. }) = self.live(id) else { return Ok(None) };
        if blob.len() > most {
            match self.fault {
                LoadFailsOnLongOnes => return Err(StoreError::new("loading a blob", "it is too long")),
                LoadHidesLongOnes => return Ok(None),
                LoadGivesOneByteLess => blob.truncate(most - 1),
                _ => blob.truncate(most),
            }
        }
        Ok(Some(blob))
    }

    async fn create(&self, id: BlobId, blob: &[u8], expires: SystemTime) -> Result<Written, StoreError> {
        let standing = match self.fault {
            CreateMindsTheExpired | DeleteOnlyHides => self.any(id),
            _ => self.live(id),
        };
        if standing.is_some() && !self.is(CreateOverwrites) {
            if self.is(CreateSaysConflictAndOverwrites) {
                self.write(id, blob, expires);
            }
            return Ok(Written::Conflict);
        }
        if self.is(CreatesRace) {
            yield_now().await;
        }
        self.write(id, blob, expires);
        Ok(Written::Done)
    }

    async fn replace(
        &self,
        id: BlobId,
        expected: Generation,
        blob: &[u8],
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let standing = match self.fault {
            ReplaceRevivesTheExpired => self.any(id),
            _ => self.live(id),
        };
        let allowed = match &standing {
            Some(kept) => self.matches(kept, expected) || self.is(ReplaceIgnoresTheGeneration),
            None => self.is(ReplaceStoresWhereNothingStands),
        };
        if !allowed {
            if self.is(ReplaceSaysConflictAndOverwrites) && standing.is_some() {
                self.write(id, blob, expires);
            }
            return Ok(Written::Conflict);
        }
        if self.is(ReplacesRace) {
            yield_now().await;
        }
        match (self.fault, standing) {
            (ReplaceKeepsTheExpiry, Some(kept)) => self.write(id, blob, kept.expires),
            (ReplaceKeepsALongerTail, Some(kept)) => {
                let tail = kept.blob.get(blob.len()..).unwrap_or_default();
                self.write(id, &[blob, tail].concat(), expires);
            }
            _ => self.write(id, blob, expires),
        }
        Ok(Written::Done)
    }

    async fn set_expiry(
        &self,
        id: BlobId,
        expected: Generation,
        expires: SystemTime,
    ) -> Result<Written, StoreError> {
        let standing = match self.fault {
            SetExpiryRevivesTheExpired => self.any(id),
            _ => self.live(id),
        };
        let Some(kept) = standing else { return Ok(Written::Conflict) };
        if !self.matches(&kept, expected) && !self.is(SetExpiryIgnoresTheGeneration) {
            return Ok(Written::Conflict);
        }
        if self.is(SetExpiryCountsChanges) && kept.expires == expires {
            return Ok(Written::Conflict);
        }
        if self.is(SetExpiryRaces) {
            yield_now().await;
        }
        let expires = match self.fault {
            SetExpiryDoesNothing => kept.expires,
            SetExpiryNeverShortens => kept.expires.max(expires),
            SetExpiryNeverProlongs => kept.expires.min(expires),
            _ => expires,
        };
        self.write(id, &kept.blob, expires);
        Ok(Written::Done)
    }

    async fn delete(&self, id: BlobId, expected: Option<Generation>) -> Result<Written, StoreError> {
        let standing = match self.fault {
            DeleteOfTheExpiredIsDone => self.any(id),
            _ => self.live(id),
        };
        let Some(kept) = standing else {
            return Ok(if self.is(DeleteOfNothingIsDone) && expected.is_none() {
                Written::Done
            } else {
                Written::Conflict
            });
        };
        let allowed = match expected {
            Some(expected) => self.matches(&kept, expected) || self.is(DeleteIgnoresTheGeneration),
            None => !self.is(DeleteMindsAnyGeneration),
        };
        if !allowed {
            return Ok(Written::Conflict);
        }
        if self.is(DeletesRace) {
            yield_now().await;
        }
        let mut blobs = self.blobs.lock().unwrap();
        match self.fault {
            DeleteOnlyHides => blobs.get_mut(&self.key(id)).unwrap().hidden = true,
            _ => drop(blobs.remove(&self.key(id))),
        }
        Ok(Written::Done)
    }
}

/// The sentence with which the check fails, if it does.
async fn verdict(fault: Fault) -> Option<String> {
    let check = tokio::spawn(async move { conformance::check(&Faulty::new(fault)).await });
    let panic = check.await.err()?.into_panic();
    Some(match panic.downcast::<String>() {
        Ok(sentence) => *sentence,
        Err(panic) => panic.downcast::<&str>().expect("a sentence").to_string(),
    })
}

#[tokio::test]
async fn a_store_without_a_fault_passes() {
    assert_eq!(verdict(Faultless).await, None);
}

#[tokio::test]
async fn every_faulty_store_is_found_out() {
    let verdicts: Vec<_> =
        FAULTS.iter().map(|(fault, sentence)| (fault, sentence, tokio::spawn(verdict(*fault)))).collect();
    let mut missed = Vec::new();
    for (fault, sentence, verdict) in verdicts {
        match verdict.await.unwrap() {
            Some(found) if found.contains(sentence) => (),
            found => missed.push(format!("{fault:?}: expected `{sentence}`, found {found:?}")),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
