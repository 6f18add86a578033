//! SOAP 1.1 as vSphere speaks it: envelopes, references, faults.

use std::fmt::Write as _;

use crate::xml::{Element, escaped};

/// The version of the interface. It matters: a server leaves out members that are newer.
pub const ACTION: &str = "\"urn:vim25/5.0\"";

/// The object that every conversation begins with.
pub const SERVICE_INSTANCE: &str = "<_this type=\"ServiceInstance\">ServiceInstance</_this>";

/// A managed object reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    kind: String,
    id: String,
}

impl Ref {
    /// The reference that an element holds.
    pub fn of(element: &Element) -> Option<Self> {
        Some(Self {
            kind: element.attribute("type")?.to_owned(),
            id: element.trimmed()?.to_owned(),
        })
    }

    /// It as an element.
    pub fn element(&self, name: &str) -> String {
        format!(
            "<{name} type=\"{}\">{}</{name}>",
            escaped(&self.kind),
            escaped(&self.id)
        )
    }
}

/// What `RetrieveServiceContent` names.
#[derive(Debug)]
pub struct Services {
    pub root_folder: Ref,
    pub property_collector: Ref,
    pub session_manager: Ref,
}

impl Services {
    /// Reads the answer.
    pub fn of(root: &Element) -> Option<Self> {
        let value = root.find("returnval")?;
        let service = |name| value.child(name).and_then(Ref::of);
        Some(Self {
            root_folder: service("rootFolder")?,
            property_collector: service("propertyCollector")?,
            session_manager: service("sessionManager")?,
        })
    }
}

/// What went wrong, as the server says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// For people.
    pub text: String,
    /// The names and types of what `detail` holds.
    pub details: Vec<String>,
}

impl Fault {
    /// The fault of an envelope that holds one.
    pub fn of(root: &Element) -> Option<Self> {
        let fault = root.find("Fault")?;
        let mut found = Self {
            text: fault
                .text_at(&["faultstring"])
                .unwrap_or("a fault without text")
                .to_owned(),
            details: Vec::new(),
        };
        for detail in fault
            .child("detail")
            .iter()
            .flat_map(|detail| &detail.children)
        {
            found.details.push(detail.name.to_string());
            found
                .details
                .extend(detail.attribute("type").map(str::to_owned));
        }
        Some(found)
    }

    /// Whether it is of this type.
    pub fn is(&self, name: &str) -> bool {
        self.details.iter().any(|detail| {
            let local = detail.rsplit(':').next().unwrap_or(detail);
            local == name || local.strip_suffix("Fault") == Some(name)
        })
    }
}

/// A whole request.
pub fn envelope(operation: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><soapenv:Body>\
         <{operation} xmlns=\"urn:vim25\">{body}</{operation}></soapenv:Body></soapenv:Envelope>"
    )
}

/// The body of `Login`.
pub fn login(manager: &Ref, user: &str, password: &str) -> String {
    format!(
        "{}<userName>{}</userName><password>{}</password>",
        manager.element("_this"),
        escaped(user),
        escaped(password)
    )
}

/// The body of `WaitForUpdatesEx`.
pub fn wait_for_updates(collector: &Ref, version: &str, seconds: u64) -> String {
    let mut out = collector.element("_this");
    let _ = write!(
        out,
        "<version>{}</version><options><maxWaitSeconds>{seconds}</maxWaitSeconds></options>",
        escaped(version)
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_known_by_its_detail() {
        let text = "<E><B><F:Fault xmlns:F=\"u\"><faultstring>no</faultstring><detail><InvalidLoginFault \
                    xsi:type=\"InvalidLogin\"/></detail></F:Fault></B></E>";
        let fault = Fault::of(&Element::read(text.as_bytes()).unwrap()).unwrap();
        assert!(fault.is("InvalidLogin"));
        assert!(!fault.is("NotAuthenticated"));
        assert_eq!(fault.text, "no");
    }

    #[test]
    fn a_password_is_escaped() {
        let manager = Ref {
            kind: "SessionManager".to_owned(),
            id: "SessionManager".to_owned(),
        };
        assert!(login(&manager, "u", "p<&>w").contains("<password>p&lt;&amp;&gt;w</password>"));
    }
}
