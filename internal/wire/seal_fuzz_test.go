package wire

import (
	"testing"
	"time"
)

// Whatever others write, nothing panics, and what opens is what was sealed: it seals again
// to what opens to the same. Each input is tried as the seal, and as what is sealed, which a
// fuzzer without the key would never reach.

func FuzzOpenRecord(f *testing.F) {
	x, s := someSealed(f, "a-app", "t-tenant")
	other, _ := someSealed(f, "a", "")
	key := s.key()
	f.Add(x.id, x.fp, int64(x.life), x.record, framed("a", ""))
	f.Add(x.id, other.fp, int64(x.life), other.record, framed(x.app, x.tenant))
	f.Add("", "", int64(-1), x.record+"\n", "0:0:")
	f.Add(x.id, x.fp, int64(0), x.token, "05:a-app8:t-tenant")
	f.Fuzz(func(t *testing.T, id, fp string, life int64, text, plain string) {
		d := time.Duration(life)
		sealsAgain := func(app, tenant, fp string) {
			if Fingerprint(app, tenant) != fp || app == "" && tenant == "" {
				t.Fatalf("opened what is not %q", fp)
			}
			again, err := s.SealRecord(id, app, tenant, d)
			if err != nil {
				t.Fatal(err)
			}
			app2, tenant2, err := s.OpenRecord(id, fp, d, again)
			if err != nil || app2 != app || tenant2 != tenant {
				t.Fatal("sealed again it is another", err)
			}
		}
		if app, tenant, err := s.OpenRecord(id, fp, d, text); err == nil {
			sealsAgain(app, tenant, fp)
		}
		app, rest, _ := cutPart(plain)
		tenant, _, _ := cutPart(rest)
		inner := Fingerprint(app, tenant)
		text = plainSeal(t, key[:], make([]byte, 12), plain, string(recordData(id, inner, d)))
		switch app, tenant, err := s.OpenRecord(id, inner, d, text); {
		case err != nil:
			if app != "" || tenant != "" {
				t.Fatal("not opened, and yet", app, tenant)
			}
		case framed(app, tenant) != plain:
			t.Fatalf("opened %q as %q and %q", plain, app, tenant)
		default:
			sealsAgain(app, tenant, inner)
		}
	})
}

func FuzzOpenToken(f *testing.F) {
	x, s := someSealed(f, "a-app", "t-tenant")
	key := s.key()
	f.Add(x.id, x.fp, int64(x.life), x.at.StoredAt.UnixMilli(), x.at.CheckedAt.UnixMilli(), x.at.EndsAt.UnixMilli(), x.token, framed("a", ""))
	f.Add(x.id, x.fp, int64(x.life), int64(0), int64(-1), int64(1), x.record, framed(x.app, x.tenant))
	f.Add("", "", int64(-1), int64(1<<62), int64(-1<<62), int64(0), x.token+"=", "0:1:t")
	f.Fuzz(func(t *testing.T, id, fp string, life, storedAt, checkedAt, endsAt int64, text, plain string) {
		d := time.Duration(life)
		at := TokenTimes{time.UnixMilli(storedAt), time.UnixMilli(checkedAt), time.UnixMilli(endsAt)}
		sealsAgain := func(app, tenant, fp string) {
			if Fingerprint(app, tenant) != fp || app == "" && tenant == "" {
				t.Fatalf("opened what is not %q", fp)
			}
			again, err := s.SealToken(id, app, tenant, d, at)
			if err != nil {
				t.Fatal(err)
			}
			app2, tenant2, err := s.OpenToken(id, fp, d, at, again)
			if err != nil || app2 != app || tenant2 != tenant {
				t.Fatal("sealed again it is another", err)
			}
			if _, _, err := s.OpenRecord(id, fp, d, again); err == nil {
				t.Fatal("an event opens as a record")
			}
		}
		if app, tenant, err := s.OpenToken(id, fp, d, at, text); err == nil {
			sealsAgain(app, tenant, fp)
		}
		app, rest, _ := cutPart(plain)
		tenant, _, _ := cutPart(rest)
		inner := Fingerprint(app, tenant)
		text = plainSeal(t, key[:], make([]byte, 12), plain, string(tokenEventData(id, inner, d, at)))
		switch app, tenant, err := s.OpenToken(id, inner, d, at, text); {
		case err != nil:
			if app != "" || tenant != "" {
				t.Fatal("not opened, and yet", app, tenant)
			}
		case framed(app, tenant) != plain:
			t.Fatalf("opened %q as %q and %q", plain, app, tenant)
		default:
			sealsAgain(app, tenant, inner)
		}
	})
}

func FuzzOpenRejection(f *testing.F) {
	x, s := someSealed(f, "a-app", "t-tenant")
	key := s.key() // the fuzzer is several processes, which have to agree on the one that opens
	x.rejection = plainSeal(f, key[:], make([]byte, 12), "", string(rejectionData(x.id, x.fp, x.rejected)))
	f.Add(x.id, x.fp, x.rejected.UnixMilli(), x.rejection, "")
	f.Add("", "", int64(-1), x.rejection+"\r", "0:")
	f.Add(x.id, x.fp, int64(1<<62), x.record, "x")
	f.Fuzz(func(t *testing.T, id, fp string, ms int64, text, plain string) {
		at := time.UnixMilli(ms)
		if s.OpenRejection(id, fp, at, text) == nil && (id != x.id || fp != x.fp || !at.Equal(x.rejected) || text != x.rejection) {
			t.Fatalf("opened %q, which nobody sealed", text)
		}
		again, err := s.SealRejection(id, fp, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.OpenRejection(id, fp, at, again); err != nil {
			t.Fatal(err)
		}
		text = plainSeal(t, key[:], make([]byte, 12), plain, string(rejectionData(id, fp, at)))
		if opened := s.OpenRejection(id, fp, at, text) == nil; opened != (plain == "") {
			t.Fatalf("the seal of %q opened: %t", plain, opened)
		}
	})
}
