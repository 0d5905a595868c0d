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
    name.and_then(|name| told(headers, name))
        .or(connection.map(|info| info.0.ip()))
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
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
