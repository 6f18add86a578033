//! What is read and what is refused.

use airlock_xmlrpc::{
    Call, Error, Fault, Limits, Response, Value, parse_call, parse_response, parse_value,
    write_call, write_fault,
};

fn value(inside: &str) -> Result<Value, Error> {
    parse_value(
        format!("<value>{inside}</value>").as_bytes(),
        &Limits::default(),
    )
}

#[test]
fn a_call_is_written_as_python_writes_it() {
    let call = Call::new(
        "registration.virt_notify",
        [
            Value::from("<system & id>"),
            Value::Array(vec![Value::Array(vec![
                Value::Int(0),
                Value::from("exists"),
                Value::members([("identity", Value::from("host"))]),
            ])]),
        ],
    );
    let written = String::from_utf8(write_call(&call)).unwrap();
    assert_eq!(
        written,
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>registration.virt_notify</methodName>\n<params>\n<param>\n\
         <value><string>&lt;system &amp; id&gt;</string></value>\n</param>\n<param>\n<value><array><data>\n<value><array><data>\n\
         <value><int>0</int></value>\n<value><string>exists</string></value>\n<value><struct>\n<member>\n\
         <name>identity</name>\n<value><string>host</string></value>\n</member>\n</struct></value>\n</data></array></value>\n\
         </data></array></value>\n</param>\n</params>\n</methodCall>\n"
    );
    assert_eq!(parse_call(written.as_bytes(), &Limits::default()), Ok(call));
}

#[test]
fn odd_forms_of_the_field_are_read() {
    for (inside, expected) in [
        ("", Value::from("")),
        (" a b ", Value::from(" a b ")),
        ("<string> a </string>", Value::from(" a ")),
        ("\n <int> 1 </int>\n", Value::Int(1)),
        ("<i8>2147483648</i8>", Value::Int(2_147_483_648)),
        ("<ex:i4>+7</ex:i4>", Value::Int(7)),
        ("<ex:nil/>", Value::Nil),
        ("<boolean>true</boolean>", Value::Bool(true)),
        ("<double>1e3</double>", Value::Double(1000.0)),
        (
            "<base64>aGF\nsbG8=\n</base64>",
            Value::Base64(b"hallo".to_vec()),
        ),
        ("<array><data/></array>", Value::Array(Vec::new())),
        (
            "<string>a<![CDATA[<&]]>&#x41;&quot;</string>",
            Value::from("a<&A\""),
        ),
        ("<string>a\r\nb&#13;</string>", Value::from("a\nb\r")),
    ] {
        assert_eq!(value(inside), Ok(expected), "{inside}");
    }
    let twice = "<struct><member><name>a</name><value>1</value></member><member><name>a</name><value>2</value></member></struct>";
    assert_eq!(value(twice).unwrap().member("a"), Some(&Value::from("2")));
    let no_params = b"<methodCall><methodName>x.y</methodName></methodCall>";
    assert_eq!(
        parse_call(no_params, &Limits::default()),
        Ok(Call::new("x.y", []))
    );
}

#[test]
fn what_is_no_value_is_refused() {
    for inside in [
        "<int>1e3</int>",
        "<int></int>",
        "<boolean>2</boolean>",
        "<double>inf</double>",
        "<what>1</what>",
        "x<int>1</int>",
        "<int>1</int><int>2</int>",
        "<struct><member><value>1</value></member></struct>",
        "<struct><member><name>a</name></member></struct>",
        "<array><value>1</value></array>",
        "&unknown;",
        "&#0;",
    ] {
        assert!(value(inside).is_err(), "{inside}");
    }
    let limits = Limits::default();
    let good = "<methodCall><methodName>a</methodName></methodCall>";
    for text in [
        format!("<!DOCTYPE a [<!ENTITY x \"y\">]>{good}"),
        format!("{good}{good}"),
        format!("{good}x"),
        good.replace("</methodCall>", ""),
        "<html><body>Sorry</body></html>".to_owned(),
        String::new(),
    ] {
        assert!(parse_call(text.as_bytes(), &limits).is_err(), "{text}");
    }
}

#[test]
fn encodings_are_honoured() {
    let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><value>\xe4</value>";
    assert_eq!(
        parse_value(latin, &Limits::default()),
        Ok(Value::from("\u{e4}"))
    );
    let windows = b"<?xml version='1.0' encoding='windows-1252'?><value>\x80</value>";
    assert_eq!(
        parse_value(windows, &Limits::default()),
        Ok(Value::from("\u{20ac}"))
    );
    let wrong = b"<value>\xe4</value>";
    assert_eq!(
        parse_value(wrong, &Limits::default()),
        Err(Error::Bytes { at: 7 })
    );
    let unknown = b"<?xml version='1.0' encoding='ebcdic'?><value/>";
    assert_eq!(
        parse_value(unknown, &Limits::default()),
        Err(Error::Encoding)
    );
    assert_eq!(
        parse_value(b"\xff\xfe<\0", &Limits::default()),
        Err(Error::Encoding)
    );
}

#[test]
fn limits_hold() {
    let limits = Limits {
        bytes: 2000,
        depth: 3,
        values: 20,
    };
    let deep = |levels: usize| {
        let open = "<value><array><data>".repeat(levels);
        let close = "</data></array></value>".repeat(levels);
        parse_value(format!("{open}{close}").as_bytes(), &limits)
    };
    assert!(deep(4).is_ok());
    assert!(matches!(deep(5), Err(Error::TooDeep { most: 3, .. })));
    let many = format!(
        "<value><array><data>{}</data></array></value>",
        "<value/>".repeat(20)
    );
    assert!(matches!(
        parse_value(many.as_bytes(), &limits),
        Err(Error::TooMany { most: 20, .. })
    ));
    let long = format!("<value>{}</value>", "x".repeat(2000));
    assert!(matches!(
        parse_value(long.as_bytes(), &limits),
        Err(Error::TooLong { .. })
    ));
}

#[test]
fn faults_are_read() {
    let fault = Fault {
        code: -210,
        text: "No such channel".to_owned(),
    };
    let written = write_fault(&fault);
    assert_eq!(
        parse_response(&written, &Limits::default()),
        Ok(Response::Fault(fault))
    );
    let text = b"<methodResponse><fault><value><struct><member><name>faultCode</name><value>7</value></member></struct></value></fault></methodResponse>";
    assert_eq!(
        parse_response(text, &Limits::default()),
        Ok(Response::Fault(Fault {
            code: 7,
            text: String::new()
        }))
    );
}

#[test]
fn neither_debug_nor_errors_show_texts() {
    let call = Call::new("auth.login", [Value::from("top-secret")]);
    assert!(!format!("{call:?}").contains("top-secret"));
    let error = value("<int>top-secret</int>").unwrap_err();
    assert!(!format!("{error} {error:?}").contains("top-secret"));
}
