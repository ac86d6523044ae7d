//! The log of a [`RedisStore`], which is a stream.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use redis::{RedisError, cmd};

use super::{
    super::{RedisStore, StoreError},
    RevocationEntry, RevocationLog, RevocationPage, SWEPT,
};

/// Appends the entries in `ARGV[1]`. Then removes the oldest, up to the first that has not expired, and at most
/// `ARGV[2]`.
///
/// An id is the time in milliseconds and a sequence number. If Redis's clock has gone back, the ids continue from the
/// last one. `XTRIM` keeps the entry with the id that it is given, and so it always keeps the last.
const APPEND: &str = "\
local time = redis.call('TIME')
local ms, seq = time[1] * 1000 + math.floor(time[2] / 1000), 0
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
if last then
    local last_ms, last_seq = string.match(last[1], '(%d+)-(%d+)')
    if tonumber(last_ms) >= ms then ms, seq = tonumber(last_ms), last_seq + 1 end
end
for at = 1, #ARGV[1], 16 do
    if seq >= 1048576 then ms, seq = ms + 1, 0 end
    local id = string.format('%.0f-%.0f', ms, seq)
    redis.call('XADD', KEYS[1], id, 'e', string.sub(ARGV[1], at, at + 15))
    seq = seq + 1
end
local oldest
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', ARGV[2] + 1)) do
    oldest = entry[1]
    local value = entry[2][2]
    if #value >= 16 and struct.unpack('>I4', value, 13) > tonumber(time[1]) then break end
end
redis.call('XTRIM', KEYS[1], 'MINID', oldest)
return 1";

/// The number of bits of a position for the sequence number of an id.
const SEQUENCE: u32 = 20;

#[async_trait]
impl RevocationLog for RedisStore {
    async fn append(&self, entries: &[RevocationEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let values: Vec<u8> = entries.iter().flat_map(to_bytes).collect();
        let mut script = cmd("EVAL");
        script.arg(APPEND).arg(1).arg(self.log_key()).arg(values).arg(SWEPT + entries.len());
        self.write("appending revocations", &script).await
    }

    async fn read(&self, from: u64, most: usize) -> Result<RevocationPage, StoreError> {
        const DOING: &str = "reading revocations";
        // A script would be a single command, but it would block Redis for ten times as long.
        let (seconds, micros): (u32, u32) =
            self.ask(DOING, &cmd("TIME"), RedisError::is_connection_dropped).await?;
        let mut range = cmd("XRANGE");
        range.arg(self.log_key()).arg(id(from)).arg("+").arg("COUNT").arg(most);
        let page: Vec<(String, Vec<Vec<u8>>)> =
            self.ask(DOING, &range, RedisError::is_connection_dropped).await?;
        let entries = page.iter().map(|(id, fields)| Some((position(id)?, from_fields(fields)?)));
        let entries = entries
            .collect::<Option<_>>()
            .ok_or_else(|| StoreError::new(DOING, "the stream contains something other than revocations"))?;
        let since_1970 = Duration::from_secs(seconds.into()) + Duration::from_micros(micros.into());
        Ok(RevocationPage { now: SystemTime::UNIX_EPOCH + since_1970, entries })
    }
}

impl RedisStore {
    fn log_key(&self) -> String {
        format!("{}revocations", self.prefix)
    }
}

/// Returns the id at a position.
fn id(position: u64) -> String {
    format!("{}-{}", position >> SEQUENCE, position & ((1 << SEQUENCE) - 1))
}

/// Returns the position of an id: 44 bits for the time, which last until the year 2527, and 20 for the sequence number.
fn position(id: &str) -> Option<u64> {
    let (millis, sequence) = id.split_once('-')?;
    let (millis, sequence) = (millis.parse::<u64>().ok()?, sequence.parse::<u64>().ok()?);
    let fits = millis >> (64 - SEQUENCE) == 0 && sequence >> SEQUENCE == 0;
    fits.then_some(millis << SEQUENCE | sequence)
}

/// Returns the bytes of an entry in the stream: its key, stamp and `until`, big-endian.
fn to_bytes(entry: &RevocationEntry) -> [u8; 16] {
    let (key, stamp, until) = (u128::from(entry.key), u128::from(entry.stamp), u128::from(entry.until));
    (key << 64 | stamp << 32 | until).to_be_bytes()
}

fn from_fields(fields: &[Vec<u8>]) -> Option<RevocationEntry> {
    let [_, value] = fields else { return None };
    let number = u128::from_be_bytes(value[..].try_into().ok()?);
    Some(RevocationEntry { key: (number >> 64) as u64, stamp: (number >> 32) as u32, until: number as u32 })
}
