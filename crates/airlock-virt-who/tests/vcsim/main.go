// A vCenter for tests: govmomi's simulator on the loopback, with one account, and commands on the standard input.
//
//	off VM          powers a machine off
//	move VM HOST    moves it
//	end-sessions    no session that was made is known any more
//
// Each is answered by a line "ok" or "error: ...". It ends with its input.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"

	"github.com/vmware/govmomi"
	"github.com/vmware/govmomi/find"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const cookie = "vmware_soap_session"

type sessions struct {
	sync.Mutex
	known, ended map[string]bool
}

func (s *sessions) front(target *url.URL) http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(answer *http.Response) error {
		s.Lock()
		defer s.Unlock()
		for _, found := range answer.Cookies() {
			if found.Name == cookie {
				s.known[found.Value] = true
			}
		}
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Read whole first: a server that writes an answer ends the reading of its request, and the proxy then cuts the
		// answer off.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		if found, err := r.Cookie(cookie); err == nil {
			s.Lock()
			if s.ended[found.Value] {
				r.Header.Del("Cookie")
			}
			s.Unlock()
		}
		proxy.ServeHTTP(w, r)
	})
}

func (s *sessions) end() {
	s.Lock()
	defer s.Unlock()
	for value := range s.known {
		s.ended[value] = true
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func without(list []types.ManagedObjectReference, gone types.ManagedObjectReference) []types.ManagedObjectReference {
	var left []types.ManagedObjectReference
	for _, found := range list {
		if found != gone {
			left = append(left, found)
		}
	}
	return left
}

func move(ctx context.Context, finder *find.Finder, machine, to string) error {
	vm, err := finder.VirtualMachine(ctx, machine)
	if err != nil {
		return err
	}
	host, err := finder.HostSystem(ctx, to)
	if err != nil {
		return err
	}
	before, err := vm.HostSystem(ctx)
	if err != nil {
		return err
	}
	from := simulator.Map.Get(before.Reference()).(*simulator.HostSystem)
	target := simulator.Map.Get(host.Reference()).(*simulator.HostSystem)
	ref := vm.Reference()
	moved := append(append([]types.ManagedObjectReference{}, target.Vm...), ref)
	simulator.Map.Update(from, []types.PropertyChange{{Name: "vm", Val: without(from.Vm, ref)}})
	simulator.Map.Update(target, []types.PropertyChange{{Name: "vm", Val: moved}})
	reference := host.Reference()
	simulator.Map.Update(simulator.Map.Get(ref).(*simulator.VirtualMachine),
		[]types.PropertyChange{{Name: "runtime.host", Val: &reference}})
	return nil
}

func main() {
	user := flag.String("user", "admin", "the account")
	password := flag.String("password", "secret", "its password")
	flag.Parse()
	ctx := context.Background()
	model := simulator.VPX()
	check(model.Create())
	model.Service.Listen = &url.URL{User: url.UserPassword(*user, *password), Host: "127.0.0.1:0"}
	server := model.Service.NewServer()
	target := &url.URL{Scheme: "http", Host: server.URL.Host}
	tracked := &sessions{known: map[string]bool{}, ended: map[string]bool{}}
	front := httptest.NewServer(tracked.front(target))
	own := *server.URL
	own.User = url.UserPassword(*user, *password)
	client, err := govmomi.NewClient(ctx, &own, true)
	check(err)
	finder := find.NewFinder(client.Client, false)
	center, err := finder.DefaultDatacenter(ctx)
	check(err)
	finder.SetDatacenter(center)
	fmt.Println(front.URL)
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		words := strings.Fields(input.Text())
		var err error
		switch {
		case len(words) == 2 && words[0] == "off":
			vm, found := finder.VirtualMachine(ctx, words[1])
			err = found
			if err == nil {
				task, started := vm.PowerOff(ctx)
				err = started
				if err == nil {
					err = task.Wait(ctx)
				}
			}
		case len(words) == 3 && words[0] == "move":
			err = move(ctx, finder, words[1], words[2])
		case len(words) == 1 && words[0] == "end-sessions":
			tracked.end()
		default:
			err = fmt.Errorf("no such command")
		}
		if err != nil {
			fmt.Println("error:", err)
		} else {
			fmt.Println("ok")
		}
	}
}
