//! A Bcfg2 server that replays its answers.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::Machine;

/// The calls that came, with their bodies.
type Calls = Arc<Mutex<Vec<(String, String)>>>;

type Answers = Vec<(&'static str, String)>;

/// Serves answers by method; each connection carries one call.
fn replay(answers: Answers) -> (String, Calls) {
    serve("http", answers, |stream, answers, calls| {
        answer(stream, answers, calls);
    })
}

/// The same with TLS; what a client sends before it trusts the server would be kept too.
fn replay_with_tls(answers: Answers, config: Arc<rustls::ServerConfig>) -> (String, Calls) {
    serve("https", answers, move |stream, answers, calls| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        answer(&mut stream, answers, calls);
        stream.conn.send_close_notify();
        let _ = stream.flush();
    })
}

fn serve(
    scheme: &str,
    answers: Answers,
    each: impl Fn(TcpStream, &Answers, &Calls) + Send + 'static,
) -> (String, Calls) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("{scheme}://{}", listener.local_addr().unwrap());
    let calls = Calls::default();
    let kept = Arc::clone(&calls);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            each(stream.unwrap(), &answers, &kept);
        }
    });
    (address, calls)
}

fn answer<S: std::io::Read + std::io::Write>(mut stream: S, answers: &Answers, kept: &Calls) {
    let mut reader = BufReader::new(&mut stream);
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap(),
            "authorization" => authorization = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    if length == 0 || reader.read_exact(&mut body).is_err() {
        return;
    }
    let body = String::from_utf8(body).unwrap();
    let method = body
        .split_once("<methodName>")
        .and_then(|(_, rest)| rest.split_once("</methodName>"))
        .map_or_else(String::new, |(method, _)| method.to_owned());
    // root:s3cret
    let known = authorization == "Basic cm9vdDpzM2NyZXQ=";
    kept.lock().unwrap().push((method.clone(), body));
    let answer = answers.iter().find(|(name, _)| *name == method);
    let (status, text) = match (known, answer) {
                (false, _) => ("401 Unauthorized", String::new()),
                (true, Some((_, value))) => (
                    "200 OK",
                    format!(
                        "<?xml version='1.0'?><methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
                    ),
                ),
                (true, None) => (
                    "200 OK",
                    "<?xml version='1.0'?><methodResponse><fault><value><struct>\
                     <member><name>faultCode</name><value><int>1</int></value></member>\
                     <member><name>faultString</name><value><string>Unknown method</string></value></member>\
                     </struct></value></fault></methodResponse>"
                        .to_owned(),
                ),
            };
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/xml\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    );
    let _ = stream.flush();
}

fn text(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    format!("<string>{text}</string>")
}

fn settings(machine: &Machine, address: &str, password: &str) {
    machine.write(
        "bcfg2.conf",
        &format!(
            "[communication]\npassword = {password}\nretries = 2\nretry_delay = 0\n[components]\nbcfg2 = {address}\n\
             [client]\ndrivers = RPMng\n[RPMng]\n"
        ),
    );
}

fn configuration() -> String {
    text(&format!(
        "<Configuration revision='42'><Bundle name='b'>\
         <Package name='alpha' type='rpm' uri='{0}'><Instance simplefile='alpha-1.1-1.noarch.rpm' version='1.1' release='1' arch='noarch'/></Package>\
         <Package name='gamma' type='rpm' uri='{0}'><Instance simplefile='gamma-1.0-1.noarch.rpm' version='1.0' release='1' arch='noarch'/></Package>\
         <Service name='sshd' status='on'/></Bundle></Configuration>",
        super::rpms().display()
    ))
}

#[test]
fn entries_and_decisions_come_from_the_server_and_the_report_goes_back() {
    let machine = Machine::new(&["alpha-1.0-1.noarch", "needs-1.0-1.noarch"]);
    let list = "<array><data><value><array><data><value><string>Package</string></value>\
        <value><string>al*</string></value></data></array></value></data></array>";
    let (address, calls) = replay(vec![
        ("DeclareVersion", "<boolean>1</boolean>".to_owned()),
        (
            "GetProbes",
            text("<probes><probe name='groups' interpreter='/bin/sh'>exit 1</probe></probes>"),
        ),
        ("GetDecisionList", list.to_owned()),
        ("GetConfig", configuration()),
        ("RecvStats", "<boolean>1</boolean>".to_owned()),
    ]);
    settings(&machine, &address, "s3cret");
    let ran = machine.run("apply", &["-l", "whitelist", "-c", "kept.xml"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        machine.installed(),
        ["alpha-1.1-1.noarch", "needs-1.0-1.noarch"]
    );
    assert!(ran.stderr.contains("the probe groups"), "{}", ran.stderr);
    let calls = calls.lock().unwrap();
    let methods: Vec<&str> = calls.iter().map(|(method, _)| method.as_str()).collect();
    assert_eq!(
        methods,
        [
            "DeclareVersion",
            "GetProbes",
            "GetDecisionList",
            "GetConfig",
            "RecvStats"
        ]
    );
    let report = &calls.last().unwrap().1;
    for part in [
        "state=\"dirty\"",
        "revision=\"42\"",
        "total=\"3\"",
        "&lt;Modified&gt;&lt;Package name=\"alpha\"",
        "&lt;Extra&gt;&lt;Package name=\"needs\"",
    ] {
        assert!(report.contains(part), "{part} is not in {report}");
    }
    let kept = machine.at("kept.xml");
    assert!(
        std::fs::read_to_string(&kept)
            .unwrap()
            .contains("revision='42'")
    );
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(
        std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// Looks at the machine itself, about which probes are true; whether it has a database of packages does not matter.
fn look(machine: &Machine, more: &[&str]) -> crate::scratch::Ran {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_airlock-agent"))
        .args(["packages", "verify", "--config"])
        .arg(machine.at("bcfg2.conf"))
        .args(more)
        .output()
        .unwrap();
    output.into()
}

#[test]
fn probes_are_run_on_the_machine_itself_and_their_output_reaches_the_server_first() {
    let machine = Machine::new(&[]);
    let probes = "<probes><probe name='groups' source='Probes' interpreter='/bin/sh -e'>echo group:a; echo oh &gt;&amp;2; false</probe></probes>";
    let answers = || {
        vec![
            ("DeclareVersion", "<boolean>1</boolean>".to_owned()),
            ("GetProbes", text(probes)),
            ("RecvProbeData", "<boolean>1</boolean>".to_owned()),
            ("GetConfig", configuration()),
        ]
    };
    let methods = |calls: &Calls| -> Vec<String> {
        let calls = calls.lock().unwrap();
        calls.iter().map(|(method, _)| method.clone()).collect()
    };
    let (address, calls) = replay(answers());
    settings(&machine, &address, "s3cret");
    let ran = look(&machine, &[]);
    assert_eq!(ran.code, 1, "{}", ran.stdout);
    let said = "the probe groups failed: exit status: 1; mend it on the server";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(methods(&calls), ["DeclareVersion", "GetProbes"]);
    let conf = std::fs::read_to_string(machine.at("bcfg2.conf")).unwrap();
    let goes_on = conf.replace("[client]", "[client]\nexit_on_probe_failure = off");
    machine.write("bcfg2.conf", &goes_on);
    let ran = look(&machine, &[]);
    for said in [
        "probe groups: it complains: oh",
        "probe groups: exit status: 1",
    ] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert_eq!(
        methods(&calls)[2..],
        ["DeclareVersion", "GetProbes", "RecvProbeData", "GetConfig"]
    );
    let data = calls.lock().unwrap()[4].1.clone();
    let sent = "&lt;probe-data name=\"groups\" source=\"Probes\"&gt;group:a\n&lt;/probe-data&gt;";
    assert!(data.contains(sent), "{data}");
    let ran = look(&machine, &["--no-probes"]);
    let said = "the server asks for the probe groups, which is not run";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(
        methods(&calls)[6..],
        ["DeclareVersion", "GetProbes", "GetConfig"]
    );
}

#[test]
fn entries_of_a_server_that_contradict_each_other_are_left_alone_and_the_others_put_right() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let other =
        "</Bundle><Bundle name='c'><Package name='alpha' type='rpm' version='2.0-1'/></Bundle>";
    let (address, calls) = replay(vec![
        ("DeclareVersion", "<boolean>1</boolean>".to_owned()),
        ("GetProbes", text("<probes/>")),
        (
            "GetConfig",
            configuration().replace("&lt;/Bundle>", &other.replace('<', "&lt;")),
        ),
        ("RecvStats", "<boolean>1</boolean>".to_owned()),
    ]);
    settings(&machine, &address, "s3cret");
    let ran = machine.run("apply", &[]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        machine.installed(),
        ["alpha-1.0-1.noarch", "gamma-1.0-1.noarch"]
    );
    let said =
        "Package:alpha is declared more than once, as 1.1-1.noarch and as 2.0-1; declare it once";
    assert!(ran.stdout.contains(said), "{}", ran.stdout);
    assert!(ran.stdout.contains("1 good, 2 bad"), "{}", ran.stdout);
    let report = &calls.lock().unwrap().last().unwrap().1.clone();
    assert!(report.contains("good=\"1\""), "{report}");
}

#[test]
fn a_server_that_refuses_is_said_with_what_to_look_at_and_nothing_is_done() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let (address, calls) = replay(vec![]);
    settings(&machine, &address, "wrong");
    let ran = machine.run("apply", &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("user and password of [communication]"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("wrong"), "{}", ran.stderr);
    // Being refused is no reason to try again.
    assert_eq!(calls.lock().unwrap().len(), 1);
    settings(&machine, &address, "s3cret");
    let ran = machine.run("apply", &[]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .contains("the server refused GetProbes: Unknown method"),
        "{}",
        ran.stderr
    );
    assert_eq!(machine.installed(), ["alpha-1.0-1.noarch"]);
}

/// A server whose certificate is of our own authority and has this name; the authority is in `ca.pem`.
fn certified(machine: &Machine, name: &str) -> Arc<rustls::ServerConfig> {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = parameters.self_signed(&key).unwrap();
    machine.write("ca.pem", &authority.pem());
    let issuer = rcgen::Issuer::new(parameters, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    Arc::new(config)
}

#[test]
fn only_a_server_with_a_certificate_of_the_authority_and_an_accepted_name_hears_the_password() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let config = certified(&machine, "bcfg2.test");
    let (address, calls) = replay_with_tls(
        vec![
            ("DeclareVersion", "<boolean>1</boolean>".to_owned()),
            ("GetProbes", text("<probes/>")),
            ("GetConfig", configuration()),
            ("RecvStats", "<boolean>1</boolean>".to_owned()),
        ],
        config,
    );
    let ca = machine.at("ca.pem");
    let own = format!("ca = {}", ca.display());
    for (trust, right) in [
        (String::new(), false),
        (own.clone(), false),
        (format!("{own}\nserverCommonNames = other.test"), false),
        ("serverCommonNames = bcfg2.test".to_owned(), false),
        (
            format!("{own}\nserverCommonNames = other.test, bcfg2.test"),
            true,
        ),
    ] {
        machine.write(
            "bcfg2.conf",
            &format!(
                "[communication]\npassword = s3cret\nretries = 1\nretry_delay = 0\n{trust}\n[components]\nbcfg2 = {address}\n\
                 [client]\ndrivers = RPMng\n[RPMng]\n"
            ),
        );
        let ran = machine.run("apply", &[]);
        assert_eq!(ran.code, i32::from(!right), "{trust}: {}", ran.stderr);
        assert!(!ran.stderr.contains("s3cret"), "{}", ran.stderr);
        assert_eq!(calls.lock().unwrap().is_empty(), !right, "{trust}");
        assert_eq!(
            machine
                .installed()
                .contains(&"alpha-1.1-1.noarch".to_owned()),
            right
        );
    }
}

/// As `bcfg2-admin init` makes it with openssl: signed by itself, an authority by its word, a common name alone.
fn stock(machine: &Machine, name: &str) -> Arc<rustls::ServerConfig> {
    let (key, certificate) = (machine.at("bcfg2.key"), machine.at("bcfg2.crt"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-batch", "-x509", "-nodes", "-days", "1000"])
        .args([
            "-newkey",
            "rsa:2048",
            "-subj",
            &format!("/C=US/ST=Illinois/L=Argonne/CN={name}"),
        ])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    use rustls::pki_types::pem::PemObject as _;
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_file(&certificate).unwrap()];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

#[test]
fn a_stock_server_is_known_by_its_own_certificate_and_its_common_name() {
    let machine = Machine::new(&["alpha-1.0-1.noarch"]);
    let config = stock(&machine, "bcfg2.test");
    let (address, calls) = replay_with_tls(
        vec![
            ("DeclareVersion", "<boolean>1</boolean>".to_owned()),
            ("GetProbes", text("<probes/>")),
            ("GetConfig", configuration()),
            ("RecvStats", "<boolean>1</boolean>".to_owned()),
        ],
        config,
    );
    let own = format!("ca = {}", machine.at("bcfg2.crt").display());
    for (trust, right) in [
        // The host that is called is 127.0.0.1.
        (own.clone(), false),
        (format!("{own}\nserverCommonNames = other.test"), false),
        (format!("{own}\nserverCommonNames = bcfg2.test"), true),
    ] {
        machine.write(
            "bcfg2.conf",
            &format!(
                "[communication]\npassword = s3cret\nretries = 1\nretry_delay = 0\n{trust}\n[components]\nbcfg2 = {address}\n\
                 [client]\ndrivers = RPMng\n[RPMng]\n"
            ),
        );
        let ran = machine.run("apply", &[]);
        assert_eq!(ran.code, i32::from(!right), "{trust}: {}", ran.stderr);
        assert_eq!(calls.lock().unwrap().is_empty(), !right, "{trust}");
    }
    assert_eq!(
        machine.installed(),
        ["alpha-1.1-1.noarch", "gamma-1.0-1.noarch"]
    );
}

#[test]
fn a_server_with_old_tls_only_is_told_apart_and_not_asked_again() {
    let machine = Machine::new(&[]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            // The alert "protocol version" in a record of TLS 1.0.
            let _ = stream.write_all(&[0x15, 3, 1, 0, 2, 2, 0x46]);
        }
    });
    settings(&machine, &address, "s3cret");
    let ran = machine.run("verify", &[]);
    assert_eq!(ran.code, 1);
    let said = "after 1 tries: the server speaks no TLS newer than 1.1";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
}
