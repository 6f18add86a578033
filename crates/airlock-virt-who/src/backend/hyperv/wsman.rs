//! WS-Management envelopes (SOAP 1.2).

use crate::xml::{Element, escaped};

/// The content type of every envelope.
pub const CONTENT: &str = "application/soap+xml;charset=UTF-8";

const WMI: &str = "http://schemas.microsoft.com/wbem/wsman/1/wmi";
const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
const SERVICE: &str = "Msvm_VirtualSystemManagementService";

/// How many items one pull may bring.
const ITEMS: usize = 100;

fn envelope(url: &str, action: &str, resource: &str, selectors: &str, body: &str) -> String {
    let id: [u8; 16] = rand::random();
    let id = hex::encode(id);
    let part = |from, to| id.get(from..to).unwrap_or_default();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:wsman=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" xmlns:wsen=\"{ENUMERATION}\">\
         <s:Header><wsa:Action s:mustUnderstand=\"true\">{action}</wsa:Action>\
         <wsa:To s:mustUnderstand=\"true\">{}</wsa:To>\
         <wsman:ResourceURI s:mustUnderstand=\"true\">{resource}</wsman:ResourceURI>\
         <wsa:MessageID s:mustUnderstand=\"true\">uuid:{}-{}-{}-{}-{}</wsa:MessageID>\
         <wsa:ReplyTo><wsa:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</wsa:Address>\
         </wsa:ReplyTo>{selectors}</s:Header><s:Body>{body}</s:Body></s:Envelope>",
        escaped(url),
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    )
}

/// Begins a WQL query.
pub fn enumerate(url: &str, space: &str, query: &str) -> String {
    let body = format!(
        "<wsen:Enumerate><wsman:Filter Dialect=\"http://schemas.microsoft.com/wbem/wsman/1/WQL\">{}</wsman:Filter></wsen:Enumerate>",
        escaped(query)
    );
    envelope(
        url,
        &format!("{ENUMERATION}/Enumerate"),
        &format!("{WMI}/{space}/*"),
        "",
        &body,
    )
}

/// Asks for the next items.
pub fn pull(url: &str, space: &str, context: &str) -> String {
    let body = format!(
        "<wsen:Pull><wsen:EnumerationContext>{}</wsen:EnumerationContext><wsen:MaxElements>{ITEMS}</wsen:MaxElements></wsen:Pull>",
        escaped(context)
    );
    envelope(
        url,
        &format!("{ENUMERATION}/Pull"),
        &format!("{WMI}/{space}/*"),
        "",
        &body,
    )
}

/// Asks for names and states of all guests.
pub fn summary(url: &str, space: &str) -> String {
    let resource = format!("{WMI}/{space}/{SERVICE}");
    let selectors = format!(
        "<wsman:SelectorSet><wsman:Selector Name=\"CreationClassName\">{SERVICE}</wsman:Selector>\
         <wsman:Selector Name=\"SystemCreationClassName\">Msvm_ComputerSystem</wsman:Selector></wsman:SelectorSet>"
    );
    // Name, ElementName, EnabledState.
    let body = format!(
        "<p:GetSummaryInformation_INPUT xmlns:p=\"{resource}\"><p:RequestedInformation>0</p:RequestedInformation>\
         <p:RequestedInformation>1</p:RequestedInformation><p:RequestedInformation>100</p:RequestedInformation>\
         </p:GetSummaryInformation_INPUT>"
    );
    envelope(
        url,
        &format!("{resource}/GetSummaryInformation"),
        &resource,
        &selectors,
        &body,
    )
}

/// What a fault says: its reason and WMI's code.
pub fn fault(body: &[u8]) -> Option<String> {
    let root = Element::read(body).ok()?;
    let fault = root.find("Fault")?;
    let reason = fault.text_at(&["Reason", "Text"]).unwrap_or("a fault");
    let code = fault.find("error_Code").and_then(Element::trimmed);
    Some(match code {
        Some(code) => format!("{reason} (WMI code {code})"),
        None => reason.to_owned(),
    })
}
