//! Servers of every kind with one host and one guest, which can be changed in one way.

use crate::golden::exchange_operation as operation;
use crate::server::{Asked, Reply};

/// The kinds that are read over a network.
pub const KINDS: [&str; 6] = ["esx", "hyperv", "ahv", "kubevirt", "rhevm", "xen"];

const GUEST: &str = "42216992-7a40-5701-a681-3e560a389c01";
const HOST: &str = "4c4c4544-0042-3510-8052-b3c04f4d4e32";

/// What is different about a server.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    None,
    WithoutHostUuid,
    Empty,
    /// The guest is there twice.
    Doubled,
    /// The guest's host is gone, or the guest is where the host says it is not.
    Vanished,
}

#[derive(Clone)]
pub struct Healthy {
    kind: &'static str,
    way: Way,
}

impl Healthy {
    pub fn new(kind: &str) -> Self {
        let kind = KINDS.iter().find(|found| **found == kind).unwrap();
        Self {
            kind,
            way: Way::None,
        }
    }

    pub fn without_host_uuid(self) -> Self {
        Self {
            way: Way::WithoutHostUuid,
            ..self
        }
    }

    pub fn empty(self) -> Self {
        Self {
            way: Way::Empty,
            ..self
        }
    }

    pub fn doubled(self) -> Self {
        Self {
            way: Way::Doubled,
            ..self
        }
    }

    pub fn vanished(self) -> Self {
        Self {
            way: Way::Vanished,
            ..self
        }
    }

    pub fn answer(&self, asked: &Asked) -> Reply {
        match self.kind {
            "esx" => self.esx(asked),
            "hyperv" => self.hyperv(asked),
            "ahv" => self.ahv(asked),
            "kubevirt" => self.kubevirt(asked),
            "rhevm" => self.rhevm(asked),
            _ => self.xen(asked),
        }
    }

    fn is(&self, way: Way) -> bool {
        self.way == way
    }

    fn esx(&self, asked: &Asked) -> Reply {
        let text = asked.text();
        let operation = operation(&text).trim().to_owned();
        let inner = match operation.as_str() {
            "RetrieveServiceContent" => "<returnval><rootFolder type=\"Folder\">f</rootFolder><propertyCollector type=\"PropertyCollector\">p</propertyCollector><sessionManager type=\"SessionManager\">s</sessionManager></returnval>".to_owned(),
            "CreateFilter" => "<returnval type=\"PropertyFilter\">f1</returnval>".to_owned(),
            "WaitForUpdatesEx" => self.esx_set(),
            _ => String::new(),
        };
        soap(&format!(
            "<{operation}Response xmlns=\"urn:vim25\">{inner}</{operation}Response>"
        ))
    }

    fn esx_set(&self) -> String {
        let change = |name: &str, value: &str| {
            format!("<changeSet><name>{name}</name><op>assign</op><val>{value}</val></changeSet>")
        };
        let mut objects = String::new();
        if !self.is(Way::Empty) {
            if !self.is(Way::Vanished) {
                objects.push_str(&format!(
                    "<objectSet><kind>enter</kind><obj type=\"VirtualMachine\">vm-1</obj>{}{}</objectSet>",
                    change("config.uuid", GUEST),
                    change("runtime.powerState", "poweredOn")
                ));
            }
            let guest =
                "<ManagedObjectReference type=\"VirtualMachine\">vm-1</ManagedObjectReference>";
            let guests = if self.is(Way::Doubled) {
                guest.repeat(2)
            } else {
                guest.to_owned()
            };
            let uuid = if self.is(Way::WithoutHostUuid) {
                String::new()
            } else {
                change("hardware.systemInfo.uuid", HOST)
            };
            objects.push_str(&format!(
                "<objectSet><kind>enter</kind><obj type=\"HostSystem\">host-1</obj>{uuid}{}{}{}</objectSet>",
                change("config.network.dnsConfig.hostName", "esx1"),
                change("config.network.dnsConfig.domainName", ""),
                change("vm", &guests)
            ));
        }
        format!(
            "<returnval><version>1</version><filterSet><filter type=\"PropertyFilter\">f1</filter>{objects}</filterSet></returnval>"
        )
    }

    fn hyperv(&self, asked: &Asked) -> Reply {
        if asked.header("authorization").is_empty() {
            return Reply::Answer {
                status: 401,
                headers: vec![(
                    "WWW-Authenticate".to_owned(),
                    "Basic realm=\"WSMAN\"".to_owned(),
                )],
                body: Vec::new(),
            };
        }
        let text = asked.text();
        let operation = operation(&text);
        let context = ["BIOSGUID", "vmms", "DNSHostName", "UUID from Win32"]
            .iter()
            .position(|word| operation.contains(word));
        let item = |inner: &str| {
            format!("<n:PullResponse><n:Items>{inner}</n:Items><n:EndOfSequence/></n:PullResponse>")
        };
        let guest = format!(
            "<p:M><p:BIOSGUID>{{{GUEST}}}</p:BIOSGUID><p:VirtualSystemIdentifier>A</p:VirtualSystemIdentifier></p:M>"
        );
        let body = match (operation.split(' ').next().unwrap(), context) {
            ("Enumerate", Some(number)) => format!("<n:EnumerateResponse><n:EnumerationContext>uuid:C{number}</n:EnumerationContext></n:EnumerateResponse>"),
            ("GetSummaryInformation", _) if self.is(Way::Empty) || self.is(Way::Vanished) => "<p:GetSummaryInformation_OUTPUT/>".to_owned(),
            ("GetSummaryInformation", _) => "<p:GetSummaryInformation_OUTPUT><p:SummaryInformation><i:EnabledState>2</i:EnabledState><i:Name>A</i:Name></p:SummaryInformation></p:GetSummaryInformation_OUTPUT>".to_owned(),
            _ if operation.contains("uuid:C0") && self.is(Way::Empty) => item(""),
            _ if operation.contains("uuid:C0") => item(&if self.is(Way::Doubled) { guest.repeat(2) } else { guest }),
            _ if operation.contains("uuid:C1") => item(""),
            _ if operation.contains("uuid:C2") => item("<p:W><p:DNSHostName>hv1</p:DNSHostName><p:NumberOfProcessors>2</p:NumberOfProcessors></p:W>"),
            _ if self.is(Way::WithoutHostUuid) => item("<p:W><p:UUID/></p:W>"),
            _ => item(&format!("<p:W><p:UUID>{HOST}</p:UUID></p:W>")),
        };
        let envelope = format!(
            "<s:Envelope xmlns:s=\"s\" xmlns:n=\"n\" xmlns:p=\"p\" xmlns:i=\"i\"><s:Header/><s:Body>{body}</s:Body></s:Envelope>"
        );
        Reply::new(200, "application/soap+xml;charset=UTF-8", envelope)
    }

    fn ahv(&self, asked: &Asked) -> Reply {
        let uuid = if self.is(Way::WithoutHostUuid) {
            ""
        } else {
            HOST
        };
        let guest =
            format!("{{\"uuid\":\"{GUEST}\",\"host_uuid\":\"{HOST}\",\"power_state\":\"on\"}}");
        let entities = match asked.path.rsplit('/').next().unwrap() {
            _ if self.is(Way::Empty) => String::new(),
            "hosts" if self.is(Way::Vanished) => String::new(),
            "hosts" => format!("{{\"uuid\":\"{uuid}\",\"name\":\"ahv-1\",\"num_cpu_sockets\":2}}"),
            "vms" if self.is(Way::Doubled) => format!("{guest},{guest}"),
            "vms" => guest,
            _ => String::new(),
        };
        Reply::new(
            200,
            "application/json",
            format!("{{\"metadata\":{{}},\"entities\":[{entities}]}}"),
        )
    }

    fn kubevirt(&self, asked: &Asked) -> Reply {
        let machine = if self.is(Way::WithoutHostUuid) {
            ""
        } else {
            HOST
        };
        let guest = format!(
            "{{\"metadata\":{{\"name\":\"vm1\"}},\"spec\":{{\"domain\":{{\"firmware\":{{\"uuid\":\"{GUEST}\"}}}}}},\"status\":{{\"nodeName\":\"node1\"}}}}"
        );
        let node = format!(
            "{{\"metadata\":{{\"name\":\"node1\"}},\"status\":{{\"nodeInfo\":{{\"machineID\":\"{machine}\"}}}}}}"
        );
        let body = match asked.path.as_str() {
            "/apis/kubevirt.io" => "{\"preferredVersion\":{\"version\":\"v1\"}}".to_owned(),
            _ if self.is(Way::Empty) => "{\"items\":[]}".to_owned(),
            "/api/v1/nodes" if self.is(Way::Vanished) => "{\"items\":[]}".to_owned(),
            "/api/v1/nodes" => format!("{{\"items\":[{node}]}}"),
            _ if self.is(Way::Doubled) => format!("{{\"items\":[{guest},{guest}]}}"),
            _ => format!("{{\"items\":[{guest}]}}"),
        };
        Reply::new(200, "application/json", body)
    }

    fn rhevm(&self, asked: &Asked) -> Reply {
        let guest = format!("<vm id=\"{GUEST}\"><host id=\"{HOST}\"/><status>up</status></vm>");
        let id = if self.is(Way::WithoutHostUuid) {
            String::new()
        } else {
            format!(" id=\"{HOST}\"")
        };
        let body = match asked.path.rsplit('/').next().unwrap() {
            "clusters" => "<clusters><cluster id=\"c1\"><name>C</name><virt_service>true</virt_service></cluster></clusters>".to_owned(),
            "hosts" if self.is(Way::Empty) || self.is(Way::Vanished) => "<hosts/>".to_owned(),
            "hosts" => format!("<hosts><host{id}><name>h</name><address>h.example.com</address><cluster id=\"c1\"/></host></hosts>"),
            _ if self.is(Way::Empty) => "<vms/>".to_owned(),
            _ if self.is(Way::Doubled) => format!("<vms>{guest}{guest}</vms>"),
            _ => format!("<vms>{guest}</vms>"),
        };
        Reply::new(200, "application/xml", body)
    }

    fn xen(&self, asked: &Asked) -> Reply {
        let text = asked.text();
        let operation = operation(&text);
        let list = |items: &[&str]| {
            let items: String = items
                .iter()
                .map(|item| format!("<value>{item}</value>"))
                .collect();
            format!("<array><data>{items}</data></array>")
        };
        let uuid = if self.is(Way::WithoutHostUuid) {
            ""
        } else {
            HOST
        };
        let value = match operation.split(' ').next().unwrap() {
            "session.login_with_password" => "OpaqueRef:s".to_owned(),
            "host.get_all" if self.is(Way::Empty) => list(&[]),
            "host.get_all" => list(&["OpaqueRef:h"]),
            "host.get_record" => record(&[("uuid", uuid), ("hostname", "xen1")]),
            "host.get_resident_VMs" if self.is(Way::Doubled) => {
                list(&["OpaqueRef:v", "OpaqueRef:v"])
            }
            "host.get_resident_VMs" => list(&["OpaqueRef:v"]),
            "VM.get_record" if self.is(Way::Vanished) => {
                return failure(&["HANDLE_INVALID", "VM", "OpaqueRef:v"]);
            }
            "VM.get_record" => record(&[("uuid", GUEST), ("power_state", "Running")]),
            _ => String::new(),
        };
        xml_rpc(&[("Status", "Success"), ("Value", &value)])
    }
}

fn record(members: &[(&str, &str)]) -> String {
    let members: String = members
        .iter()
        .map(|(name, value)| format!("<member><name>{name}</name><value>{value}</value></member>"))
        .collect();
    format!("<struct>{members}</struct>")
}

fn xml_rpc(members: &[(&str, &str)]) -> Reply {
    let body = format!(
        "<?xml version='1.0'?><methodResponse><params><param><value>{}</value></param></params></methodResponse>",
        record(members)
    );
    Reply::new(200, "text/xml", body)
}

fn failure(parts: &[&str]) -> Reply {
    let parts: String = parts
        .iter()
        .map(|part| format!("<value>{part}</value>"))
        .collect();
    let list = format!("<array><data>{parts}</data></array>");
    xml_rpc(&[("Status", "Failure"), ("ErrorDescription", &list)])
}

fn soap(body: &str) -> Reply {
    let envelope = format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    );
    Reply::new(200, "text/xml; charset=utf-8", envelope)
}

/// What the product answers to a wrong password.
pub fn refuse(kind: &str, asked: &Asked, healthy: Reply) -> Reply {
    match kind {
        "esx" if operation(&asked.text()).trim() == "Login" => {
            let Reply::Answer { headers, body, .. } = soap(
                "<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>Cannot complete login</faultstring><detail><InvalidLoginFault/></detail></soapenv:Fault>",
            ) else {
                panic!();
            };
            Reply::Answer {
                status: 500,
                headers,
                body,
            }
        }
        "esx" => healthy,
        "hyperv" => Reply::Answer {
            status: 401,
            headers: vec![(
                "WWW-Authenticate".to_owned(),
                "Basic realm=\"WSMAN\"".to_owned(),
            )],
            body: Vec::new(),
        },
        "xen" => failure(&[
            "SESSION_AUTHENTICATION_FAILED",
            "admin",
            "Authentication failure",
        ]),
        _ => Reply::new(401, "text/plain", "no"),
    }
}

/// Whether this is the last question that a whole read asks.
pub fn last(kind: &str, asked: &Asked) -> bool {
    let operation = operation(&asked.text());
    match kind {
        "esx" => operation.contains("WaitForUpdatesEx"),
        "hyperv" => operation.contains("uuid:C3"),
        "ahv" => asked.path.ends_with("/vms"),
        "kubevirt" => asked.path.ends_with("/virtualmachineinstances"),
        "rhevm" => asked.path.ends_with("/vms"),
        _ => operation.contains("VM.get_record"),
    }
}
