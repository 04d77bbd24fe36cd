//! Limits of a running disk, which libvirt takes as typed parameters only.
#![expect(unsafe_code, reason = "the virt crate has no form of this call")]

use std::ffi::{CString, c_char};

use qx_model::device::DiskLimits;
use virt::domain::Domain;
use virt::error::Error;
use virt::sys;

/// Sets all limits of a disk of a running VM.
pub(crate) fn limit(domain: &Domain, target: &str, limits: DiskLimits) -> Result<(), Error> {
    let disk = CString::new(target)?;
    let values: [(&[u8], u64); 4] = [
        (b"read_bytes_sec", limits.read_bytes_sec),
        (b"write_bytes_sec", limits.write_bytes_sec),
        (b"read_iops_sec", limits.read_iops),
        (b"write_iops_sec", limits.write_iops),
    ];
    let mut parameters = values.map(|(name, value)| parameter(name, value));
    // SAFETY: the domain and the name live during the call, the parameters are as many as are told, and
    // libvirt only reads them.
    let result = unsafe {
        sys::virDomainSetBlockIoTune(
            domain.as_ptr(),
            disk.as_ptr(),
            parameters.as_mut_ptr(),
            4,
            sys::VIR_DOMAIN_AFFECT_LIVE,
        )
    };
    if result < 0 {
        return Err(Error::last_error());
    }
    Ok(())
}

/// `name` is shorter than libvirt's field, whose rest stays zero.
fn parameter(name: &[u8], value: u64) -> sys::virTypedParameter {
    let mut field = [0 as c_char; sys::VIR_TYPED_PARAM_FIELD_LENGTH as usize];
    for (to, from) in field.iter_mut().zip(name) {
        *to = from.cast_signed();
    }
    sys::virTypedParameter {
        field,
        type_: sys::VIR_TYPED_PARAM_ULLONG as _,
        value: sys::_virTypedParameterValue { ul: value },
    }
}
