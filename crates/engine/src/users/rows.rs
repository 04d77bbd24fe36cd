//! The table of users.

use jiff::Timestamp;
use qx_model::access::Role;
use rusqlite::Connection;

use super::User;

pub(super) fn read_all(connection: &mut Connection) -> rusqlite::Result<Vec<(User, String)>> {
    let mut statement = connection.prepare(
        "SELECT name, role, disabled, hash, created_by, created_at, password_changed_at, last_login_at, revision
         FROM user",
    )?;
    let time = |millisecond: i64| Timestamp::from_millisecond(millisecond).unwrap_or_default();
    let rows = statement.query_map([], |row| {
        // Only names that were checked were ever written.
        let Ok(name) = row.get::<_, String>(0)?.parse() else {
            return Ok(None);
        };
        let user = User {
            name,
            role: Role::named(&row.get::<_, String>(1)?),
            disabled: row.get(2)?,
            created_by: row.get(4)?,
            created_at: time(row.get(5)?),
            password_changed_at: time(row.get(6)?),
            last_login_at: row.get::<_, Option<i64>>(7)?.map(time),
            revision: row.get::<_, i64>(8)?.unsigned_abs(),
        };
        Ok(Some((user, row.get(3)?)))
    })?;
    rows.filter_map(Result::transpose).collect()
}

pub(super) fn put(connection: &mut Connection, user: &User, hash: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO user
         (name, role, disabled, hash, created_by, created_at, password_changed_at, last_login_at, revision)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            user.name.as_str(),
            user.role.name(),
            user.disabled,
            hash,
            &user.created_by,
            user.created_at.as_millisecond(),
            user.password_changed_at.as_millisecond(),
            user.last_login_at.map(Timestamp::as_millisecond),
            user.revision.cast_signed(),
        ),
    )?;
    Ok(())
}

/// With the tokens that they made.
pub(super) fn delete(connection: &mut Connection, name: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute("DELETE FROM token WHERE owner = ?1", [name])?;
    transaction.execute("DELETE FROM user WHERE name = ?1", [name])?;
    transaction.commit()
}

pub(super) fn note_login(
    connection: &mut Connection,
    name: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let noted = (now.as_millisecond(), name);
    connection.execute("UPDATE user SET last_login_at = ?1 WHERE name = ?2", noted)?;
    Ok(())
}
