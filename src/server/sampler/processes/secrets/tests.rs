use super::*;
use proptest::prelude::*;

/// Arguments stand between bars, as the kernel has NULs there.
fn shown(arguments: &str) -> String {
    command_line(arguments.split('|').map(str::as_bytes))
}

#[test]
fn what_is_no_secret_stays() {
    for arguments in [
        "/usr/sbin/sshd|-D|-p|22",
        "java|-Xmx4g|-jar|app.jar|--port=8080",
        "sort|--key|2|--monkey=3",
        "mongod|--auth|--bind_ip|127.0.0.1",
        "/usr/bin/qemu-system-x86_64|-uuid|8d3f4b1e-7a0c-4a4e-9d43-0c1f1f1f2a2b|-smp|4",
        "containerd-shim|--log|/var/lib/docker/3f4e5a6b7c8d9e0f3f4e5a6b7c8d9e0f3f4e5a6b7c8d9e0f3f4e5a6b7c8d9e0f.log",
        "redis-server *:6379",
        "nginx: worker process",
        "agent|--token-file|/run/secrets/agent|--no-auth|--password-file=/x",
        "ssh|-i|/home/ann/.ssh/id_ed25519|ann@example.org",
        "rustc|--crate-name|telltale|--target|x86_64-unknown-linux-gnu|-Cmetadata=3f4e5a6b",
        "don't|panic",
        "PWD=/home/ann",
        "",
    ] {
        assert_eq!(shown(arguments), arguments.replace('|', " "), "{arguments}");
    }
}

#[test]
fn secrets_are_blanked() {
    for (arguments, expected) in [
        // Options.
        ("app|--password=hunter2|-v", "app --password=*** -v"),
        ("app|--password=two words|-v", "app --password=*** -v"),
        ("app|--password|hunter2|-v", "app --password *** -v"),
        ("app|--password|two words|-v", "app --password *** -v"),
        ("app|--password|-5ecret|-v", "app --password *** -v"),
        ("app|--password|--user|ann", "app --password --user ann"),
        ("app|--password||x", "app --password *** x"),
        ("app|--no-auth|--api-key|abc|--apikey|def", "app --no-auth --api-key *** --apikey ***"),
        (
            "app|-token|abc|--auth=x|--credentials|y|--db-passwd=z",
            "app -token *** --auth=*** --credentials *** --db-passwd=***",
        ),
        ("app|--key=abc|--key|2", "app --key=*** --key 2"),
        ("openssl|rsa|-passin|pass:hunter2|-in|key.pem", "openssl rsa -passin *** -in key.pem"),
        ("java|-Dspring.datasource.password=x|-jar|a.jar", "java -Dspring.datasource.password=*** -jar a.jar"),
        // Short ones, which are secret to some programs only.
        ("mysql|-uroot|-phunter2|shop", "mysql -uroot -p*** shop"),
        ("/usr/bin/mysqldump|-u|root|-phunter2", "/usr/bin/mysqldump -u root -p***"),
        ("sudo|mariadb|-phunter2", "sudo mariadb -p***"),
        ("sshpass|-p|hunter2|ssh|box", "sshpass -p *** ssh box"),
        ("redis-cli|-a|hunter2|ping", "redis-cli -a *** ping"),
        ("curl|-u|ann:hunter2|http://box/", "curl -u ann:*** http://box/"),
        ("curl|-uann:hunter2|--proxy-user|a:b", "curl -uann:*** --proxy-user a:***"),
        ("curl|--user=ann:hunter2", "curl --user=ann:***"),
        ("smbclient|-U|ann%hunter2", "smbclient -U ann%***"),
        // Variables and other assignments.
        ("env|DB_PASSWORD=x y|MYSQL_PWD=z|HOME=/root|run", "env DB_PASSWORD=*** MYSQL_PWD=*** HOME=/root run"),
        ("docker|run|-e|API_TOKEN=abc|-eSECRET=x|img", "docker run -e API_TOKEN=*** -eSECRET=*** img"),
        ("mount|-o|user=ann,password=x,uid=3|//box/s", "mount -o user=ann,password=*** //box/s"),
        ("app|Server=db;User Id=sa;Password=x y;", "app Server=db;User Id=sa;Password=*** y;"),
        ("app|{\"user\":\"ann\",\"password\":\"x\"}", "app {\"user\":\"ann\",\"password\":***"),
        ("app|{\"user\": \"ann\", \"password\": \"x y\"}", "app {\"user\": \"ann\", \"password\": ***"),
        // Addresses.
        ("git|clone|https://ann:hunter2@box/r.git", "git clone https://ann:***@box/r.git"),
        ("app|--db=postgres://ann:p@ss/w:rd@box:5432/shop?x=1", "app --db=postgres://ann:***@box:5432/shop?x=1"),
        ("app|amqp://a:b@h1,amqp://c:d@h2", "app amqp://a:***@h2"),
        ("app|--dsn=ann:hunter2@tcp(box)/shop", "app --dsn=ann:***@tcp(box)/shop"),
        ("curl|https://a:b@box/?page=1&token=abc&x=2", "curl https://a:***@box/?page=1&token=***"),
        ("curl|https://box/?X-Amz-Signature=abc", "curl https://box/?X-Amz-Signature=***"),
        // Headers.
        ("curl|-H|Authorization: Bearer abc.def|box", "curl -H Authorization:*** box"),
        ("curl|--header=X-Api-Key: abc|box", "curl --header=X-Api-Key: *** box"),
        ("curl -H Authorization: Bearer abc box", "curl -H Authorization: *** *** box"),
        ("curl -H \"Authorization: Basic YW5uOnB3\" box", "curl -H \"Authorization:*** box"),
        ("app|Bearer|abc|x|basic|YW5uOnB3", "app Bearer *** x basic ***"),
        ("curl|--cookie|sid=1|-b|connect.sid=s3", "curl --cookie *** -b connect.sid=***"),
        // Command lines inside.
        ("sh|-c|mysql -phunter2 && app --token abc --x", "sh -c mysql -p*** && app --token *** --x"),
        ("sh|-c|app --password 'two words' --x", "sh -c app --password *** --x"),
        ("sh|-c|app --password=\"two words\" --x", "sh -c app --password=*** --x"),
        ("sh|-c|don't --password hunter2 isn't", "sh -c don't --password *** isn't"),
        ("sh|-c|echo a\nTOKEN=abc app\tx", "sh -c echo a TOKEN=*** app x"),
        // Shapes.
        ("app|eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln|x", "app *** x"),
        ("app|AKIAIOSFODNN7EXAMPLE|--id=AKIAIOSFODNN7EXAMPLE", "app *** --id=***"),
        ("app|wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY|x", "app *** x"),
        ("app|3f4e5a6b7c8d9e0f3f4e5a6b7c8d9e0f|--id=3F4E5A6B7C8D9E0F3F4E5A6B7C8D9E0F", "app *** --id=***"),
        ("app|https://3f4e5a6b7c8d9e0f3f4e5a6b7c8d9e0f@box/1", "app https://***@box/1"),
        ("app|dGhpcyBpcyBhIHNlY3JldCBrZXkgb2YgbWluZTEy==", "app ***"),
        ("app|ghp_16C7e42F292c6912E7710c838347Ae178B4a|glpat-abcdefghij1234567890", "app *** ***"),
        ("app|k8s-Zm9vYmFyMTIzNDU2Nzg5_-QWxhZGRpbjpvcGVu", "app ***"),
        ("app|x -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END|y", "app x *** y"),
    ] {
        assert_eq!(shown(arguments), expected, "{arguments}");
    }
}

#[test]
fn a_line_is_harmless_and_of_bounded_length() {
    assert_eq!(
        command_line([&b"a\x1b[31m\xff"[..], "\u{202e}b\u{a0}c".as_bytes()]),
        "a\u{fffd}[31m\u{fffd} \u{fffd}b c"
    );
    let long = shown(&["wide-ö"; 200].join("|"));
    assert!(long.len() <= LONGEST && long.ends_with('…'), "{long}");
    let exact = "a ".repeat(255) + "aa";
    assert_eq!((exact.len(), shown(&exact)), (LONGEST, exact));
}

proptest! {
    #[test]
    fn anything_can_be_an_argument(arguments in prop::collection::vec("[ -~é\u{202e}\n'\"]{0,40}", 0..12)) {
        let line = command_line(arguments.iter().map(String::as_bytes));
        prop_assert!(line.len() <= LONGEST);
        prop_assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "{:?}", line);
    }

    #[test]
    fn a_secret_where_one_belongs_is_never_shown(
        secret in "[A-Za-z0-9!#$%*+,./:;<>?@^_~-]{0,20}[!#$%*][A-Za-z0-9!#$%*+,./:;<>?@^_~-]{3,20}",
        before in prop::sample::select(vec!["app", "app|-v", "sudo|-u|ann|app", "don't|'x"]),
        place in prop::sample::select(vec![
            "--password=@", "API_TOKEN=@", "--secret|x@", "--db=pg://ann:@@box/x", "-H|Authorization: Bearer @",
            "sh|-c|run --token x@ y", "sh|-c|DB_PASSWORD=@ run", "-u|ann:@", "\"api_key\": \"@\"",
        ]),
        after in prop::sample::select(vec!["", "|-v", "|file", "|--other|x"]),
    ) {
        let line = shown(&format!("{before}|{}{after}", place.replacen('@', &secret.replace('|', "x"), 1)));
        prop_assert!(!line.contains(&secret), "{secret:?} in {line:?}");
    }
}
