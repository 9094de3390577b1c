# ---- the engine, guard: what a server cannot be without; the same in every script --------------
# With the default outbound action Block, a server that may not ask its name servers and domain
# controllers is lost to its administrators, and asks for no new Group Policy. Sessions from outside
# are not at risk: their replies need no rule. A need is what one program of Windows, or one service
# in it, asks of one address; an address is '' if none was found.

$nameNeed = 'UDP 53 system32\svchost.exe dnscache'
# What Test-Covered looks at; every other parameter narrows a rule.
$understood = @(
    'Name', 'DisplayName', 'Description', 'Group', 'Direction', 'Action', 'Enabled', 'Profile'
    'EdgeTraversalPolicy', 'LooseSourceMapping', 'LocalOnlyMapping', 'Protocol', 'LocalPort'
    'RemotePort', 'LocalAddress', 'RemoteAddress', 'Program', 'Service'
)

function ConvertTo-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        # Protocol, port, program and service.
        [Parameter(Mandatory = $true)]
        [string] $Text,

        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string] $Address,

        [Parameter(Mandatory = $true)]
        [string] $For
    )
    $protocol, $port, $program, $service = $Text -split ' '
    @{
        Protocol = $protocol; Port = [int] $port; Program = $program; Service = "$service"
        Address = $Address; For = $For; LocalPort = 0; Keyword = 'Any'; AnyOf = $false
    }
}

function Get-ControllerNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [string[]] $Address,

        # Whether one of them is enough.
        [Parameter()]
        [switch] $AnyOf
    )
    if ($Address.Count -eq 0) {
        $text = 'the domain controllers (none was found)'
        ConvertTo-Need -Text 'TCP 0 System' -Address '' -For $text
    }
    # The local security authority logs on and finds a controller, Group Policy asks for its
    # objects, and the file system in the kernel fetches them.
    $asked = @(
        'TCP 88 system32\lsass.exe', 'TCP 389 system32\lsass.exe'
        'TCP 389 system32\svchost.exe gpsvc', 'UDP 389 system32\lsass.exe'
        'TCP 135 system32\lsass.exe', 'TCP 135 system32\svchost.exe gpsvc', 'TCP 445 System'
    )
    foreach ($item in @($Address | Sort-Object -Unique)) {
        foreach ($text in $asked) {
            $need = ConvertTo-Need -Text $text -Address $item -For 'domain controller'
            $need['AnyOf'] = [bool] $AnyOf
            $need
        }
    }
}

function Get-PolicyNeed {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # Of a server that a Group Policy object is for, whichever it is: some name server, and one of
    # the domain controllers, whose addresses are those of the domain's name.
    $need = ConvertTo-Need -Text $nameNeed -Address 'any address' -For 'a name server at'
    $need['Keyword'] = 'DNS'
    $need
    $known = @()
    try {
        $known = @([System.Net.Dns]::GetHostAddresses(($Store -split '\\')[0]))
    }
    catch {
        Write-Warning -Message ('The addresses of the domain were not found: {0}' -f $_)
    }
    Get-ControllerNeed -Address @($known | ForEach-Object { "$_" -replace '%.*$', '' }) -AnyOf
}

function Get-Need {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param ()
    # Of this server.
    $filter = 'IPEnabled = TRUE'
    $class = 'Win32_NetworkAdapterConfiguration'
    $cards = @(Get-CimInstance -ClassName $class -Filter $filter -ErrorAction Stop)
    foreach ($card in $cards) {
        foreach ($server in @(Get-PropertyValue -InputObject $card -Name 'DNSServerSearchOrder')) {
            if ("$server" -notmatch '^$|^127\.|^::1$') {
                $need = ConvertTo-Need -Text $nameNeed -Address "$server" -For 'name server'
                $need['Keyword'] = 'DNS'
                $need
            }
        }
        $server = "$(Get-PropertyValue -InputObject $card -Name 'DHCPServer')"
        $usesDhcp = "$(Get-PropertyValue -InputObject $card -Name 'DHCPEnabled')" -eq 'True'
        if ($usesDhcp -and $server -ne '') {
            # A lease is renewed by its server; after a start anybody is asked, from no address yet.
            $text = 'UDP 67 system32\svchost.exe dhcp'
            $need = ConvertTo-Need -Text $text -Address $server -For 'DHCP server'
            $need['LocalPort'] = 68
            $need['Keyword'] = 'DHCP'
            $need
            $need = ConvertTo-Need -Text $text -Address '255.255.255.255' -For 'DHCP servers by'
            $need['LocalPort'] = 68
            $need['Source'] = @('0.0.0.0')
            $need
        }
    }
    $computer = Get-CimInstance -ClassName 'Win32_ComputerSystem' -ErrorAction Stop
    if ("$(Get-PropertyValue -InputObject $computer -Name 'PartOfDomain')" -ne 'True') {
        return
    }
    $controllers = @(
        foreach ($item in @(Get-CimInstance -ClassName 'Win32_NTDomain' -ErrorAction Stop)) {
            $text = "$(Get-PropertyValue -InputObject $item -Name 'DomainControllerAddress')"
            if ($text -ne '') {
                $text.TrimStart('\')
            }
        }
    )
    Get-ControllerNeed -Address $controllers
}

function Get-SourceAddress {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [string] $Address
    )
    # The address of this server from which it asks that one; nothing if there is no way there.
    try {
        $found = @(Find-NetRoute -RemoteIPAddress $Address -ErrorAction Stop)
    }
    catch {
        return
    }
    foreach ($item in $found) {
        $text = "$(Get-PropertyValue -InputObject $item -Name 'IPAddress')" -replace '%.*$', ''
        if ($text -ne '') {
            $text
        }
    }
}

function Test-Covered {
    [CmdletBinding()]
    [OutputType([bool])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Need,

        [Parameter(Mandatory = $true)]
        [hashtable] $Rule
    )
    # Whether an allow rule is for the need in every case, or a block rule may be. Parameters that
    # the rule lacks are Any.
    $blocks = "$($Rule['Action'])" -eq 'Block'
    $narrow = @($Rule.Keys | Where-Object { $_ -notin $understood })
    # Rules for packages are for apps, none of which asks.
    if (($narrow.Count -gt 0 -and -not $blocks) -or @($narrow -like 'Package*').Count -gt 0) {
        return $false
    }
    $protocol = ConvertTo-ProtocolText -Value "$($Rule['Protocol'])"
    if ($protocol -notin @('', 'any', $Need['Protocol'])) {
        return $false
    }
    $folder = '^(.*\\windows|%systemroot%|%windir%)\\(?=system32\\)'
    $service = "$($Rule['Service'])"
    if (("$($Rule['Program'])" -replace $folder, '') -notin @('', $Need['Program']) -or
        ($service -notin @('', $Need['Service']) -and -not ($blocks -and $service -eq '*'))) {
        return $false
    }
    if (-not (Test-Port -Port $Need['Port'] -Range $Rule['RemotePort']) -or
        -not ($blocks -or (Test-Port -Port $Need['LocalPort'] -Range $Rule['LocalPort']))) {
        return $false
    }
    $isAny = $Need['Address'] -eq 'any address'
    $length = (ConvertTo-AddressSpan -Address $Need['Address']).Length
    $sources = @(
        foreach ($item in $Need['Source']) {
            if ($isAny -or (ConvertTo-AddressSpan -Address $item).Length -eq $length) {
                $item
            }
        }
    )
    $own = @($Rule['LocalAddress'] | Where-Object { "$_" -notin @('', 'Any') })
    $from = @($sources | Where-Object { Test-Within -Address $_ -Range $own })
    if ($own.Count -gt 0 -and $from.Count -eq 0 -and -not ($blocks -and $sources.Count -eq 0)) {
        return $false
    }
    $to = @($Rule['RemoteAddress'] | Where-Object { "$_" -ne '' })
    $words = @($to | Where-Object { (ConvertTo-AddressSpan -Address $_) -notmatch '^[0-9A-F]+-' })
    $named = $Rule.ContainsKey('RemoteDynamicKeywordAddresses')
    $right = @($words | Where-Object { $_ -in @('Any', $Need['Keyword']) })
    if (($to.Count -eq 0 -and -not $named) -or $right.Count -gt 0) {
        return $true
    }
    if ($isAny) {
        return -not $blocks
    }
    ($blocks -and ($named -or $words.Count -gt 0)) -or
    (Test-Within -Address $Need['Address'] -Range $to)
}

function Get-LockOut {
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        # The rules of ours that there will be.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [string] $Store
    )
    # What the server needs and could not reach, if nothing allowed it beside those rules but what
    # is in force now. Allow rules count if they act in every profile of the policy: a server is in
    # that of the domain only once it has reached a controller. What a Group Policy object allows
    # has to be in it: servers may ignore their own rules.
    $where = 'ActiveStore'
    if ($Store -eq 'PersistentStore') {
        $names = @($Policy['Profile'] -split ', ')
        $ignoring = @(
            foreach ($item in @(Get-NetFirewallProfile -PolicyStore $where -ErrorAction Stop)) {
                if ("$($item.AllowLocalFirewallRules)" -eq 'False' -and
                    ($names[0] -eq 'Any' -or $item.Name -in $names)) {
                    $item.Name
                }
            }
        )
        if ($ignoring.Count -gt 0) {
            $text = 'what the policy''s rules allow, since Group Policy has local rules ignored'
            return ('{0} (AllowLocalFirewallRules, {1})' -f $text, ($ignoring -join ', '))
        }
        $needs = @(Get-Need)
    }
    else {
        $where = $Store
        $needs = @(Get-PolicyNeed -Store $Store)
    }
    if ($needs.Count -eq 0) {
        return
    }
    $fields = @(Get-RuleField)
    $index = Get-FilterIndex -Store $where
    $every = @(Get-NetFirewallRule -PolicyStore $where -ErrorAction Stop)
    $own = Get-OwnRule -Policy $Policy -Rule $every
    $out = @(
        $Wanted
        foreach ($item in $every) {
            # Restrictions of Windows' services are asked for apart from all this, and rules that
            # somebody made in the active store are gone after the next start.
            $source = "$(Get-PropertyValue -InputObject $item -Name 'PolicyStoreSourceType')"
            $counts = $source -ne 'Hardcoded' -and
                ("$($item.Action)" -eq 'Block' -or $source -notin @('Dynamic', 'Generated'))
            if ($counts -and -not $own.ContainsKey("$($item.Name)") -and
                "$($item.Direction)" -eq 'Outbound') {
                Get-LiveValue -Rule $item -Index $index -Field $fields
            }
        }
    )
    $out = @(
        $out | Where-Object { $_['Direction'] -eq 'Outbound' -and "$($_['Enabled'])" -ne 'False' } |
            Where-Object { $_['Action'] -eq 'Block' -or (Test-ProfileOf -Rule $_ -Policy $Policy) }
    )
    $known = @{}
    $missing = @(
        foreach ($need in $needs) {
            $address = $need['Address']
            if (-not $known.ContainsKey($address)) {
                $known[$address] = $Policy['Address']
                if ($Store -eq 'PersistentStore' -and $address -ne '') {
                    $known[$address] = @(Get-SourceAddress -Address $address)
                }
            }
            if (-not $need.ContainsKey('Source')) {
                $need['Source'] = $known[$address]
            }
            $found = @{ Allow = $false; Block = $false }
            foreach ($rule in $out) {
                $action = "$($rule['Action'])" -replace '^$', 'Allow'
                if (-not $found[$action] -and $address -ne '' -and
                    (Test-Covered -Need $need -Rule $rule)) {
                    $found[$action] = $true
                }
            }
            if ($found['Block'] -or -not $found['Allow']) {
                $need
            }
        }
    )
    $lost = @($missing | ForEach-Object { $_['Address'] })
    $kept = @($needs | Where-Object { $_['AnyOf'] -and $_['Address'] -notin $lost })
    $lacking = @($missing | Where-Object { $kept.Count -eq 0 -or -not $_['AnyOf'] })
    $texts = foreach ($need in $lacking) {
        $text = '{0} {1} {2}/{3}' -f $need['For'], $need['Address'], $need['Protocol'],
        $need['Port']
        $text -replace '  TCP/0$', ''
    }
    $texts | Select-Object -Unique
}

function Assert-Reachable {
    [CmdletBinding()]
    param (
        [Parameter(Mandatory = $true)]
        [hashtable] $Policy,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Plan,

        # Rules of ours, then and now.
        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Wanted,

        [Parameter(Mandatory = $true)]
        [AllowEmptyCollection()]
        [object[]] $Live,

        [Parameter(Mandatory = $true)]
        [hashtable] $Setting,

        [Parameter(Mandatory = $true)]
        [string] $Store,

        [Parameter(Mandatory = $true)]
        [bool] $AllowLockOut
    )
    # Of a plan after which outbound traffic is blocked, whoever blocks it.
    $isLocal = $Store -eq 'PersistentStore'
    $after = $Setting.Clone()
    $locks = @(
        foreach ($change in $Plan) {
            if ($change['Kind'] -eq 'Setting' -and $change['Name'] -like 'Outbound *') {
                $after[$change['Name']] = $change['Value']
                $change['Value'] | Where-Object { $_ -eq 'Block' }
            }
        }
    )
    if ($isLocal) {
        # That of Group Policy is in force, whatever the server's own is.
        foreach ($item in @(Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
            $name = 'Outbound {0}' -f $item.Name
            if ("$($item.DefaultOutboundAction)" -eq 'Block' -and $Setting[$name] -ne 'Block') {
                $after[$name] = 'Block'
            }
        }
    }
    $names = @($Policy['Profile'] -replace '^Any$', 'Domain, Private, Public') -split ', '
    $blocked = @($names | Where-Object { $after["Outbound $_"] -eq 'Block' })
    if ($Plan.Count -eq 0 -or $blocked.Count -eq 0) {
        return
    }
    $server = 'this server'
    if (-not $isLocal) {
        $server = 'a server of this Group Policy object'
    }
    if (-not $isLocal -and $locks.Count -gt 0) {
        $text = 'Every computer that {0} is linked to will block outbound traffic.'
        Write-Warning -Message ($text -f $Store)
    }
    $lost = @(Get-LockOut -Policy $Policy -Wanted $Wanted -Store $Store)
    if ($lost.Count -gt 0 -and $locks.Count -eq 0) {
        # It may be so already.
        $before = @(Get-LockOut -Policy $Policy -Wanted $Live -Store $Store)
        $lost = @($lost | Where-Object { $_ -notin $before })
    }
    if ($lost.Count -eq 0) {
        return
    }
    $text = 'With outbound traffic blocked {0} could not reach: {1}.' -f $server, ($lost -join ', ')
    if (-not $AllowLockOut) {
        throw ('{0} Nothing was changed; -AllowLockOut does it all the same.' -f $text)
    }
    Write-Warning -Message $text
}
