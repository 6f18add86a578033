//! Which addresses an upstream may lead to: a redirect, a mirror list or a DNS answer must not turn the
//! server into a door to its own network (server-side request forgery).

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;
use url::{Host, Url};

use crate::error::{Error, Result};
use crate::shown::ShownUrl;

/// What kind of network an address is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressClass {
    /// The internet.
    Public,
    /// Networks for private use: RFC 1918, RFC 6598 (carrier NAT), RFC 4193.
    Private,
    /// This machine.
    Loopback,
    /// The own network segment, among it the metadata service of clouds (169.254.169.254).
    LinkLocal,
    /// Unspecified, multicast, documentation and reserved ranges: nobody's server.
    Reserved,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Public => "a public address",
            Self::Private => "an address of a private network",
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Reserved => "a reserved address",
        })
    }
}

impl AddressClass {
    /// The class of `address`. IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as the IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::of_v4(v4),
            IpAddr::V6(v6) => Self::of_v6(v6),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        let [a, b, c, _] = address.octets();
        match (a, b, c) {
            (127, ..) => Self::Loopback,
            (10, ..) | (192, 168, _) => Self::Private,
            (172, 16..=31, _) | (100, 64..=127, _) => Self::Private,
            (169, 254, _) => Self::LinkLocal,
            // 192.88.99 is the old 6to4 relay; 198.18/15 is for benchmarks.
            (0 | 224..=255, ..)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (198, 18..=19, _)
            | (198, 51, 100)
            | (203, 0, 113) => Self::Reserved,
            _ => Self::Public,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        let s = address.segments();
        let v4 = |high: u16, low: u16| {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            Self::of_v4(Ipv4Addr::new(a, b, c, d))
        };
        if address.is_loopback() {
            return Self::Loopback;
        }
        match s {
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                v4(high, low)
            }
            [0x2002, high, low, ..] => v4(high, low),
            [0, 0, 0, 0, 0, 0, ..]
            | [0x64, 0xff9b, 1, ..]
            | [0x100, 0, 0, 0, ..]
            | [0x2001, 0xdb8, ..] => Self::Reserved,
            [first, ..] if first & 0xfe00 == 0xfc00 => Self::Private,
            [first, ..] if first & 0xffc0 == 0xfe80 => Self::LinkLocal,
            // fec0::/10 were the site-local addresses.
            [first, ..] if first & 0xffc0 == 0xfec0 => Self::Private,
            [first, ..] if first & 0xff00 == 0xff00 => Self::Reserved,
            _ => Self::Public,
        }
    }
}

/// The answer of a name look-up.
pub type LookUp = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of host names.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// The addresses of `name`.
    fn look_up(&self, name: &str) -> LookUp;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn look_up(&self, name: &str) -> LookUp {
        let name = name.to_owned();
        Box::pin(async move {
            Ok(tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .map(|address| address.ip())
                .collect())
        })
    }
}

/// An address that was found but must not be used; travels through the HTTP library as an error.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) address: IpAddr,
    pub(crate) class: AddressClass,
}

impl fmt::Display for Refused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is {}", self.address, self.class)
    }
}

impl StdError for Refused {}

/// Decides for one session which addresses may be reached.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The hosts an administrator named; any address is right for them.
    bases: Vec<Host<String>>,
    /// The proxy's host, which is only reached as a proxy.
    proxy: Option<String>,
    resolver: Arc<dyn Resolver>,
    base_classes: OnceCell<Vec<AddressClass>>,
}

impl Guard {
    pub(crate) fn new(bases: &[Url], proxy: Option<&Url>, resolver: Arc<dyn Resolver>) -> Self {
        let owned = |url: &Url| url.host().map(|host| host.to_owned());
        Self {
            bases: bases.iter().filter_map(owned).collect(),
            proxy: proxy.and_then(Url::host_str).map(str::to_owned),
            resolver,
            base_classes: OnceCell::new(),
        }
    }

    /// Refuses a URL whose host is an address that must not be reached. Names are checked when they are
    /// looked up, with the very addresses that are then connected to; behind a proxy, which looks up
    /// names itself, as far as this machine can resolve them.
    pub(crate) async fn check(&self, url: &Url) -> Result<()> {
        let host = match url.host() {
            Some(host) => host.to_owned(),
            None => {
                return Err(Error::BadUpstream {
                    url: ShownUrl::new(url),
                    reason: "has no host",
                });
            }
        };
        if self.bases.contains(&host) {
            return Ok(());
        }
        let addresses = match host {
            Host::Ipv4(v4) => vec![IpAddr::V4(v4)],
            Host::Ipv6(v6) => vec![IpAddr::V6(v6)],
            Host::Domain(name) if self.proxy.is_some() => {
                self.resolver.look_up(&name).await.unwrap_or_default()
            }
            Host::Domain(_) => return Ok(()),
        };
        for address in addresses {
            if let Err(refused) = self.judge(address).await {
                return Err(Error::AddressRefused {
                    url: ShownUrl::new(url),
                    address: refused.address,
                    class: refused.class,
                });
            }
        }
        Ok(())
    }

    /// Whether `address` of a host that no administrator named may be reached.
    async fn judge(&self, address: IpAddr) -> std::result::Result<(), Refused> {
        let class = AddressClass::of(address);
        if class == AddressClass::Public || self.base_classes().await.contains(&class) {
            Ok(())
        } else {
            Err(Refused { address, class })
        }
    }

    /// The networks that the bases are in. Looked up only when an address is in question.
    async fn base_classes(&self) -> &[AddressClass] {
        self.base_classes
            .get_or_init(|| async {
                let mut classes = Vec::new();
                for host in &self.bases {
                    match host {
                        Host::Ipv4(v4) => classes.push(AddressClass::of(IpAddr::V4(*v4))),
                        Host::Ipv6(v6) => classes.push(AddressClass::of(IpAddr::V6(*v6))),
                        Host::Domain(name) => {
                            let found = self.resolver.look_up(name).await.unwrap_or_default();
                            classes.extend(found.into_iter().map(AddressClass::of));
                        }
                    }
                }
                classes
            })
            .await
    }

    async fn addresses(
        &self,
        name: &str,
    ) -> std::result::Result<Vec<IpAddr>, Box<dyn StdError + Send + Sync>> {
        let found = self.resolver.look_up(name).await?;
        let named = Host::Domain(name.to_ascii_lowercase());
        if self.bases.contains(&named)
            || self
                .proxy
                .as_deref()
                .is_some_and(|proxy| proxy.eq_ignore_ascii_case(name))
        {
            return Ok(found);
        }
        let mut allowed = Vec::with_capacity(found.len());
        let mut refused = None;
        for address in found {
            match self.judge(address).await {
                Ok(()) => allowed.push(address),
                Err(why) => refused = Some(why),
            }
        }
        match refused {
            Some(why) if allowed.is_empty() => Err(Box::new(why)),
            _ => Ok(allowed),
        }
    }
}

/// The guard as the HTTP library's resolver.
pub(crate) struct GuardedResolver(pub(crate) Arc<Guard>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let addresses = guard.addresses(name.as_str()).await?;
            let sockets = addresses
                .into_iter()
                .map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(sockets) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_addresses() {
        use AddressClass::{LinkLocal, Loopback, Private, Public, Reserved};
        for (text, class) in [
            ("8.8.8.8", Public),
            ("172.15.0.1", Public),
            ("172.16.0.1", Private),
            ("172.31.255.255", Private),
            ("172.32.0.1", Public),
            ("192.168.3.4", Private),
            ("10.255.0.1", Private),
            ("100.64.0.1", Private),
            ("127.8.9.1", Loopback),
            ("169.254.169.254", LinkLocal),
            ("0.0.0.0", Reserved),
            ("255.255.255.255", Reserved),
            ("224.0.0.1", Reserved),
            ("198.51.100.7", Reserved),
            ("2a00:1450::1", Public),
            ("::1", Loopback),
            ("::", Reserved),
            ("::ffff:127.0.0.1", Loopback),
            ("::ffff:8.8.8.8", Public),
            ("64:ff9b::a9fe:a9fe", LinkLocal),
            ("2002:7f00:1::", Loopback),
            ("fd12::1", Private),
            ("fe80::1", LinkLocal),
            ("ff02::1", Reserved),
            ("2001:db8::1", Reserved),
        ] {
            assert_eq!(AddressClass::of(text.parse().unwrap()), class, "{text}");
        }
    }
}
