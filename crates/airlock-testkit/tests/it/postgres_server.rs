use std::process::Command;

use airlock_testkit::postgres::fresh_database;
use airlock_testkit::programs::{require, run, run_ok};

fn psql(url: &str, statement: &str) -> String {
    run_ok(
        Command::new(require("psql"))
            .args(["-X", "-q", "-t", "-A", "-c", statement])
            .arg(url),
    )
}

#[test]
fn each_test_gets_an_empty_database_of_its_own() {
    let (first, second) = (fresh_database(), fresh_database());
    assert_ne!(first, second);
    psql(&first, "CREATE TABLE t(a int); INSERT INTO t VALUES (1)");
    assert_eq!(psql(&first, "SELECT a FROM t").trim(), "1");
    assert_ne!(
        run(Command::new(require("psql"))
            .args(["-X", "-c", "SELECT a FROM t"])
            .arg(&second))
        .code,
        0
    );
}

#[test]
fn the_server_keeps_text_as_utf_8() {
    let url = fresh_database();
    assert_eq!(psql(&url, "SHOW server_encoding").trim(), "UTF8");
}
