//! Blocks of addresses.

use std::net::IpAddr;

/// A block of addresses, with the bits of the host cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cidr {
    network: IpAddr,
    length: u8,
}

impl Cidr {
    /// Reads `address/length`; a bare address is a block of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            Some(length) if length.bytes().all(|byte| byte.is_ascii_digit()) => length.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (length <= most).then(|| Self::new(address, length))
    }

    /// The block of one address.
    pub(crate) fn single(address: IpAddr) -> Self {
        Self::new(address, if address.is_ipv4() { 32 } else { 128 })
    }

    fn new(address: IpAddr, length: u8) -> Self {
        let network = match address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        Self { network, length }
    }

    /// Whether so many addresses are in it that it is no protection: more than a 256th of all of them.
    pub(crate) const fn is_almost_anywhere(&self) -> bool {
        self.length < 8
    }

    /// Whether the address is in it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.network.is_ipv4() == address.is_ipv4() && Self::new(address, self.length).network == self.network
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_the_host_are_cleared_as_aws_does() {
        assert_eq!(Cidr::parse("10.0.0.5/16").unwrap().to_string(), "10.0.0.0/16");
        assert_eq!(Cidr::parse("203.0.113.7").unwrap().to_string(), "203.0.113.7/32");
        assert_eq!(Cidr::parse("2001:db8::1/32").unwrap().to_string(), "2001:db8::/32");
        assert_eq!(Cidr::parse("1.2.3.4/0").unwrap().to_string(), "0.0.0.0/0");
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/+8", "10.0.0.0/", "::/129", "example.com/32"] {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_internet_in_two_halves_is_the_internet() {
        assert!(Cidr::parse("0.0.0.0/0").unwrap().is_almost_anywhere());
        assert!(Cidr::parse("128.0.0.0/1").unwrap().is_almost_anywhere());
        assert!(Cidr::parse("::/0").unwrap().is_almost_anywhere());
        assert!(!Cidr::parse("10.0.0.0/8").unwrap().is_almost_anywhere());
    }

    #[test]
    fn a_block_contains_its_addresses_only() {
        let block = Cidr::parse("203.0.113.0/24").unwrap();
        assert!(block.contains("203.0.113.200".parse().unwrap()));
        assert!(!block.contains("203.0.114.1".parse().unwrap()));
        assert!(!block.contains("::1".parse().unwrap()));
    }
}
