use super::*;

/// A server that counts what it hears, and answers with the number.
fn counting_server() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let Some(request) = Request::read(&client).unwrap() else { continue };
            let mut heard = noted.lock().unwrap();
            heard.push(request.text());
            let body = heard.len().to_string();
            let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        }
    });
    (address, heard)
}

/// What comes back for a call of that action; empty if nothing does.
fn call(proxy: &HttpProxy, action: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    let body = format!("Action={action}&Version=1");
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: here\r\nConnection: keep-alive\r\nAuthorization: AWS4 Credential=K/D/r/redshift/aws4\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn calls_go_through_with_the_headers_and_are_recorded() {
    let (address, heard) = counting_server();
    let proxy = HttpProxy::start(address, vec![("X-Account".to_owned(), "7".to_owned())]);
    assert!(call(&proxy, "DescribeClusters").ends_with("\r\n\r\n1"));
    assert!(heard.lock().unwrap()[0].contains("\r\nX-Account: 7\r\n"));
    let calls = proxy.calls();
    assert_eq!(calls[0].operation, "redshift:DescribeClusters");
    assert!(calls[0].request.ends_with("Action=DescribeClusters&Version=1"));
    assert!(calls[0].response.ends_with("\r\n\r\n1"));
    proxy.reset();
    assert!(proxy.calls().is_empty());
}

#[test]
fn a_chosen_call_is_cut_before_or_after_the_server_hears_of_it() {
    let (address, heard) = counting_server();
    let proxy = HttpProxy::start(address, Vec::new());
    proxy.break_call(1, HttpFault::CutBefore);
    proxy.break_call(2, HttpFault::CutAfter);
    assert!(!call(&proxy, "A").is_empty());
    assert_eq!(call(&proxy, "B"), "");
    assert_eq!(call(&proxy, "C"), "");
    assert!(!call(&proxy, "D").is_empty());
    let heard: Vec<_> = heard.lock().unwrap().iter().map(|text| text.contains("Action=B")).collect();
    assert_eq!(heard, [false, false, false], "A, C and D, but not B");
}

#[test]
fn an_operation_is_refused_as_often_as_was_said() {
    let (address, _) = counting_server();
    let proxy = HttpProxy::start(address, Vec::new());
    proxy.break_operation("redshift:B", 1, HttpFault::error(400, "InvalidClusterState", "busy"));
    proxy.break_from(3, HttpFault::unavailable());
    assert!(call(&proxy, "A").starts_with("HTTP/1.1 200"));
    let refused = call(&proxy, "B");
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("<Code>InvalidClusterState</Code>"));
    assert!(call(&proxy, "B").starts_with("HTTP/1.1 200"));
    assert!(call(&proxy, "A").starts_with("HTTP/1.1 503"));
    assert!(call(&proxy, "A").starts_with("HTTP/1.1 503"));
}

#[test]
fn a_held_call_waits_for_its_release() {
    let (address, heard) = counting_server();
    let proxy = HttpProxy::start(address, Vec::new());
    proxy.break_call(0, HttpFault::HoldBefore);
    assert!(!proxy.wait_until_held(Duration::from_millis(10)));
    thread::scope(|scope| {
        let answer = scope.spawn(|| call(&proxy, "A"));
        assert!(proxy.wait_until_held(Duration::from_secs(10)));
        assert!(heard.lock().unwrap().is_empty());
        proxy.release();
        assert!(answer.join().unwrap().ends_with('1'));
    });
}
