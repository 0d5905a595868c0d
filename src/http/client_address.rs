//! Whom a wrong login is counted against.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::HeaderMap;

use crate::http::App;

/// What the operator's own proxy says in the configured header, else the connection's address.
pub fn of(app: &App, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
    let name = app.config.client_address_header.as_deref();
    let connection = extensions.get::<ConnectInfo<SocketAddr>>();
    let address = name
        .and_then(|name| told(headers, name))
        .or(connection.map(|info| info.0.ip()));
    address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), household)
}

/// An IPv6 address stands for its network: every house has 2^64 of them (RFC 6177), and would never run out.
fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 => v4,
    }
}

/// The last address of the last line: a proxy adds its own behind, or below, what the caller invented.
fn told(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let line = headers.get_all(name).iter().next_back()?;
    let last = line.to_str().ok()?.split(',').next_back()?;
    last.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;
    use axum::http::HeaderValue;

    #[test]
    fn case_72_every_address_of_one_ipv6_network_is_one_caller() {
        let of = |text: &str| household(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }

    #[test]
    fn case_187_an_invented_line_is_not_believed() {
        let forwarded = HeaderName::from_static("x-forwarded-for");
        let mut headers = HeaderMap::new();
        assert_eq!(told(&headers, "x-forwarded-for"), None);
        for (line, last) in [
            ("198.51.100.1", "198.51.100.1"),
            ("198.51.100.2, 192.0.2.7", "192.0.2.7"),
            ("2001:db8::1", "2001:db8::1"),
        ] {
            headers.append(&forwarded, HeaderValue::from_static(line));
            let told = told(&headers, "x-forwarded-for").unwrap();
            assert_eq!(told.to_string(), last);
        }
        headers.append(&forwarded, HeaderValue::from_static("nonsense"));
        assert_eq!(told(&headers, "x-forwarded-for"), None);
    }
}
