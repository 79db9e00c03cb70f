//! FNV-1a in 128 bits. It tells versions of our own files apart and guards no secret.
//! The build script uses this file too, so it uses nothing of the crate.

/// Of several parts as if they were one text, each ended by its length.
pub(crate) fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let add = |hash: u128, byte: u8| (hash ^ u128::from(byte)).wrapping_mul(PRIME);
    parts.into_iter().fold(OFFSET, |hash, part| {
        let length = (part.len() as u64).to_le_bytes();
        length.into_iter().fold(part.iter().copied().fold(hash, add), add)
    })
}

/// As it stands in names and tags: sixteen letters, which keeps 64 bits of it.
pub(crate) fn short(digest: u128) -> String {
    format!("{:016x}", (digest >> 64) as u64 ^ digest as u64)
}
