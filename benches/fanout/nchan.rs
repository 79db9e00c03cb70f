//! nchan: nginx with a module that is made for this, and the program that publishes to it.

use crate::Result;
use crate::feed::{Pace, json_around_stamp};
use crate::rig::Folder;
use crate::stamp;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

const MODULES: [&str; 3] = ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];
const FILE: &str = "ngx_nchan_module.so";

/// The module, if it is installed.
pub(crate) fn module() -> Option<String> {
    MODULES.iter().map(|folder| format!("{folder}/{FILE}")).find(|path| Path::new(path).exists())
}

/// Asks Debian for it where that is possible. Whether it is there now.
pub(crate) fn install() -> bool {
    if module().is_some() {
        return true;
    }
    let root = rustix::process::geteuid().is_root();
    let apt = |arguments: &[&str]| {
        let status = Command::new("apt-get").args(arguments).stdout(std::process::Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let is_installed = root && apt(&["update", "-qq"]) && apt(&["install", "-y", "-qq", "nginx", "libnginx-mod-nchan"]);
    is_installed && module().is_some()
}

/// nginx in the foreground, with one worker and nothing but nchan; the port it listens on.
pub(crate) fn command(folder: &Folder, is_tuned: bool) -> Result<(Command, u16)> {
    let module = module().ok_or("nchan is not installed")?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let prefix = folder.0.to_string_lossy();
    let (accepting, backlog) = if is_tuned { ("multi_accept on;", " backlog=4096") } else { ("", "") };
    let text = format!(
        "load_module {module};
        daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {prefix}/pid; error_log stderr crit;
        events {{ worker_connections 16384; {accepting} }}
        http {{
            access_log off; client_body_temp_path {prefix}/body; proxy_temp_path {prefix}/proxy;
            fastcgi_temp_path {prefix}/fastcgi; uwsgi_temp_path {prefix}/uwsgi; scgi_temp_path {prefix}/scgi;
            keepalive_requests 1000000;
            server {{
                listen 127.0.0.1:{port}{backlog};
                location = /stream {{ nchan_subscriber eventsource; nchan_channel_id bench; }}
                location = /publish {{
                    nchan_publisher; nchan_channel_id bench;
                    nchan_message_buffer_length 10; nchan_message_timeout 1m;
                }}
            }}
        }}"
    );
    let file = folder.0.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(&folder.0).arg("-c").arg(file);
    Ok((command, port))
}

/// Publishes at this rate until it is killed.
pub(crate) fn publish(port: u16, rate: u32) -> Result {
    let (head, tail) = json_around_stamp()?;
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut answer = [0; 4_096];
    Pace { rate, count: u64::MAX }.keep(|_| {
        let data = format!("{head}{}{tail}", stamp::now());
        let request = format!("POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: {}\r\n\r\n{data}", data.len());
        stream.write_all(request.as_bytes())?;
        // An answer is a few hundred bytes and comes in one piece.
        match stream.read(&mut answer)? {
            0 => Err("nchan has closed the connection".into()),
            len if answer[..len].starts_with(b"HTTP/1.1 20") => Ok(()),
            len => Err(String::from_utf8_lossy(&answer[..len]).into()),
        }
    })
}
