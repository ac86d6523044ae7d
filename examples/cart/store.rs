//! The store for baskets that outgrow their cookies, from `SESSION_STORE`.

use std::{env, error::Error, path::Path};

use sealed_session::{SessionsBuilder, store::SqliteStore};

use crate::basket::Basket;

const DEFAULT: &str = "cart-sessions.db";

type Builder = SessionsBuilder<Basket>;

/// Sets the store that `SESSION_STORE` names, and returns its name.
///
/// # Errors
///
/// Returns an error if the store cannot be used. `SESSION_STORE` may contain a password, so no error repeats it.
pub async fn attach(builder: Builder) -> Result<(Builder, &'static str), Box<dyn Error>> {
    let value = env::var_os("SESSION_STORE").unwrap_or_else(|| DEFAULT.into());
    let text = value.to_string_lossy();
    let (builder, name) = match text.split_once("://").map(|(scheme, _)| scheme) {
        Some("redis" | "rediss") => (redis(builder, &text).await?, "Redis"),
        Some("postgres" | "postgresql") => (postgres(builder, &text).await?, "PostgreSQL"),
        None if text == "memory" => (memory(builder)?, "memory"),
        None if !text.is_empty() && !text.contains(['@', ':']) => {
            return Ok((sqlite(builder, Path::new(&value)).await?, "SQLite"));
        }
        _ => {
            return Err(
                "SESSION_STORE must be the path of an SQLite file (without `:` and `@`), a URL that begins with \
                 redis://, rediss://, postgres:// or postgresql://, or `memory`"
                    .into(),
            );
        }
    };
    println!("Baskets that outgrow their cookies are kept in {name}.");
    Ok((builder, name))
}

async fn sqlite(builder: Builder, path: &Path) -> Result<Builder, Box<dyn Error>> {
    let store = SqliteStore::open(path).await.map_err(|error| {
        format!("the SQLite file of SESSION_STORE, or {DEFAULT} without it, cannot be used: {error}")
    })?;
    println!(
        "Baskets that outgrow their cookies are kept in the file {}.",
        std::path::absolute(path)?.display()
    );
    Ok(builder.store(store))
}

#[cfg(feature = "redis")]
async fn redis(builder: Builder, url: &str) -> Result<Builder, Box<dyn Error>> {
    let store = sealed_session::store::RedisStore::connect(url).await;
    Ok(builder.store(store.map_err(|error| format!("the Redis of SESSION_STORE cannot be used: {error}"))?))
}

#[cfg(feature = "postgres")]
async fn postgres(builder: Builder, url: &str) -> Result<Builder, Box<dyn Error>> {
    let unusable = |error| format!("the PostgreSQL of SESSION_STORE cannot be used: {error}");
    let store = sealed_session::store::PostgresStore::connect(url).await.map_err(unusable)?;
    store.create_schema().await.map_err(unusable)?;
    Ok(builder.store(store))
}

#[cfg(feature = "memory")]
fn memory(builder: Builder) -> Result<Builder, Box<dyn Error>> {
    Ok(builder.store(sealed_session::store::MemoryStore::new()))
}

#[cfg(not(feature = "redis"))]
async fn redis(_: Builder, _: &str) -> Result<Builder, Box<dyn Error>> {
    missing("redis")
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_: Builder, _: &str) -> Result<Builder, Box<dyn Error>> {
    missing("postgres")
}

#[cfg(not(feature = "memory"))]
fn memory(_: Builder) -> Result<Builder, Box<dyn Error>> {
    missing("memory")
}

#[cfg(not(all(feature = "redis", feature = "postgres", feature = "memory")))]
fn missing(feature: &str) -> Result<Builder, Box<dyn Error>> {
    Err(format!("SESSION_STORE needs the feature `{feature}`: run it with `--features sqlite,{feature}`")
        .into())
}
