//! The fuzz target's body, run on stable over good messages, their cuts and flips, and noise.

#[path = "../../../../fuzz/bodies/xmlrpc.rs"]
mod xmlrpc;

use airlock_testkit::hostile;
use airlock_testkit::seeded::Seeded;
use proptest::prelude::*;

const GOOD: [&str; 3] = [
    "<?xml version='1.0'?>\n<methodCall>\n<methodName>a.b</methodName>\n<params>\n<param>\n<value><struct>\n<member>\n<name>n</name>\n<value><int>1</int></value>\n</member>\n</struct></value>\n</param>\n<param><value><base64>aGFsbG8=</base64></value></param></params>\n</methodCall>\n",
    "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>-210</int></value></member><member><name>faultString</name><value>&lt;x&#65;</value></member></struct></value></fault></methodResponse>",
    "<methodResponse><params><param><value><array><data><value><boolean>1</boolean></value><value><nil/></value><value><double>0.1</double></value><value> x </value></data></array></value></param></params></methodResponse>",
];

#[test]
fn cuts_and_flips_of_good_messages_do_no_harm() {
    for (seed, text) in (0..).zip(GOOD) {
        xmlrpc::xmlrpc(text.as_bytes());
        for case in hostile::cut(text.as_bytes(), seed, 100)
            .into_iter()
            .chain(hostile::flipped(text.as_bytes(), seed, 200))
        {
            xmlrpc::xmlrpc(&case.bytes);
        }
    }
    let mut random = Seeded::new(5);
    for _ in 0..500 {
        let length = usize::try_from(random.below(80)).unwrap();
        xmlrpc::xmlrpc(&random.bytes(length));
    }
}

proptest! {
    #[test]
    fn texts_of_any_kind_do_no_harm(inside in "(<(/)?(int|string|array|data|struct|member|name|value|nil/|x)>|[0-9 &;#x]|\\PC){0,20}") {
        xmlrpc::xmlrpc(format!("<value>{inside}</value>").as_bytes());
        xmlrpc::xmlrpc(format!("<methodResponse><params><param><value>{inside}</value></param></params></methodResponse>").as_bytes());
    }
}
