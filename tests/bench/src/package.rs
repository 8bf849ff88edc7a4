//! The size of each function's package, as it is uploaded.

use std::fs;
use std::io::{Cursor, Write as _};

use anyhow::{Context as _, Result};
use local_cloud::Project;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

/// Compresses each release binary as a deployment does, and lists the sizes.
pub fn measure(project: &Project) -> Result<()> {
    println!("\npackages (release, compressed; at most 5 MB wanted)");
    let mut largest = 0.0_f64;
    for (name, binary) in super::start::release_binaries(project)? {
        let bytes = fs::read(&binary).with_context(|| format!("{} is missing; run `make package`", binary.display()))?;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(
            "bootstrap",
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).compression_level(Some(9)),
        )?;
        zip.write_all(&bytes)?;
        let size = zip.finish()?.into_inner().len() as f64 / 1e6;
        largest = largest.max(size);
        println!("  {name:<20} {size:>6.2} MB  ({:.1} MB unpacked)", bytes.len() as f64 / 1e6);
    }
    println!("  largest: {largest:.2} MB");
    Ok(())
}
