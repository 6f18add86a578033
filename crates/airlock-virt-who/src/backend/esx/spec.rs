//! What the property collector is asked for: properties by type, and the ways through the inventory.

use super::soap::Ref;

/// Properties by type.
const PROPERTIES: &[(&str, &[&str])] = &[
    (
        "VirtualMachine",
        &["config.uuid", "config.version", "runtime.powerState"],
    ),
    ("ClusterComputeResource", &["name"]),
    (
        "HostSystem",
        &[
            "name",
            "vm",
            "hardware.systemInfo.uuid",
            "hardware.cpuInfo.numCpuPackages",
            "parent",
            "config.product.name",
            "config.product.version",
            "config.network.dnsConfig.hostName",
            "config.network.dnsConfig.domainName",
        ],
    ),
];

/// Ways: name, type, path, and the ways that go on from there.
const WAYS: &[(&str, &str, &str, &[&str])] = &[
    (
        "visitFolders",
        "Folder",
        "childEntity",
        &[
            "visitFolders",
            "dcToHf",
            "dcToVmf",
            "crToH",
            "crToRp",
            "HToVm",
            "rpToVm",
        ],
    ),
    ("dcToVmf", "Datacenter", "vmFolder", &["visitFolders"]),
    ("dcToHf", "Datacenter", "hostFolder", &["visitFolders"]),
    ("crToH", "ComputeResource", "host", &[]),
    (
        "crToRp",
        "ComputeResource",
        "resourcePool",
        &["rpToRp", "rpToVm"],
    ),
    (
        "rpToRp",
        "ResourcePool",
        "resourcePool",
        &["rpToRp", "rpToVm"],
    ),
    ("HToVm", "HostSystem", "vm", &["visitFolders"]),
    ("rpToVm", "ResourcePool", "vm", &[]),
];

/// The body of `CreateFilter`.
pub fn create_filter(collector: &Ref, root_folder: &Ref) -> String {
    let mut out = collector.element("_this");
    out.push_str("<spec>");
    for (kind, paths) in PROPERTIES {
        out.push_str("<propSet>");
        put(&mut out, "type", kind);
        put(&mut out, "all", "false");
        for path in *paths {
            put(&mut out, "pathSet", path);
        }
        out.push_str("</propSet>");
    }
    out.push_str("<objectSet>");
    out.push_str(&root_folder.element("obj"));
    for (name, kind, path, next) in WAYS {
        out.push_str("<selectSet xsi:type=\"TraversalSpec\">");
        put(&mut out, "name", name);
        put(&mut out, "type", kind);
        put(&mut out, "path", path);
        for next in *next {
            out.push_str("<selectSet>");
            put(&mut out, "name", next);
            out.push_str("</selectSet>");
        }
        out.push_str("</selectSet>");
    }
    out.push_str("</objectSet></spec><partialUpdates>false</partialUpdates>");
    out
}

fn put(out: &mut String, tag: &str, text: &str) {
    for part in ["<", tag, ">", text, "</", tag, ">"] {
        out.push_str(part);
    }
}
