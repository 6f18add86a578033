use airlock_testkit::http::{Fault, HttpServer};
use airlock_testkit::repos::Peer;
use airlock_testkit::served::{checksums_below, walk};
use airlock_testkit::states::Distribution;

#[test]
fn a_whole_repository_gives_the_checksums_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut distribution = Distribution::at(folder.path());
    let server = HttpServer::serve(folder.path());
    let address = server.address().to_string();
    let first = walk(&address, "/").unwrap().unwrap();
    assert_eq!(first, checksums_below(folder.path()));
    distribution.made_by(Peer::Newest, "zstd").next_day();
    let second = walk(&address, "/").unwrap().unwrap();
    assert_eq!(second, checksums_below(folder.path()));
    assert_ne!(first, second);
    assert_eq!(walk(&address, "/nothing/"), Ok(None));
}

#[test]
fn a_flipped_bit_and_a_missing_file_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut distribution = Distribution::at(folder.path());
    let server = HttpServer::serve(folder.path());
    let address = server.address().to_string();
    server.fault("/Packages/h/hello-1.0-1.noarch.rpm", Fault::FlipBit);
    let broken = walk(&address, "/").unwrap_err();
    assert_eq!(broken.path, "/Packages/h/hello-1.0-1.noarch.rpm");
    server.clear_faults();
    distribution.repository().remove("oldtool-");
    let broken = walk(&address, "/").unwrap_err();
    assert_eq!(
        (broken.path.as_str(), broken.why.as_str()),
        ("/Packages/o/oldtool-0.9-1.noarch.rpm", "status 404")
    );
}
