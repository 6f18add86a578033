//! What the fuzz target `treeinfo` does with its bytes; the tests of `airlock-repodata` replay it.

use airlock_repodata::location::check_href;
use airlock_repodata::productid;
use airlock_repodata::treeinfo::Treeinfo;

/// No file leaves the tree.
pub fn treeinfo(bytes: &[u8]) {
    if let Ok(tree) = Treeinfo::parse(bytes) {
        for file in tree.files() {
            assert!(check_href(&file.path).is_ok(), "{}", file.path);
        }
    }
    let _ = productid::parse(bytes);
}
